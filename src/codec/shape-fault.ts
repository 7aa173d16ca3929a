/** What is wrong with a document that does not have the shape it should, in one line. */

/** As zod tells it, so that what reads this loads no zod. */
interface Issues {
  issues: readonly { path: readonly PropertyKey[]; message: string }[]
}

/** The first issue with the member it is about: `revocations.3.serial: …`. */
export function shapeFault({ issues: [first] }: Issues): string {
  return `${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`
}
