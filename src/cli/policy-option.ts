/** The option that names the policy folder. */
import type { Argv } from 'yargs'
import { defaultPolicy } from './artifact-commands.ts'

export interface PolicyArgs {
  policy: string
}

export function withPolicy<T>(yargs: Argv<T>): Argv<T & PolicyArgs> {
  return yargs.option('policy', {
    type: 'string',
    requiresArg: true,
    describe: 'folder with trust policy and stores',
    default: defaultPolicy(),
    defaultDescription: "notation's own",
  })
}
