/** Names of people, as they stand in channel.json and in the names of their key files. */
const PERSON = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/
/** Other keys are called so, or have their files named so. */
const TAKEN = /^(?:host|snapshot|timestamp|root-.*)$/

export function isPersonName(name: string): boolean {
  return PERSON.test(name) && !TAKEN.test(name)
}
