/** What yargs says of a command line, in our own words. */

const CHOICE = /^ *Argument: (.+?), Given: (.*), Choices: (.*)$/gm

function option(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`
}

/** One line, in which options are named as they are typed; what is not known here is given back as it is. */
export function plainUsage(message: string | undefined): string | undefined {
  if (message === undefined) return undefined
  const choices = [...message.matchAll(CHOICE)].map(
    ([, name = '', given = '', all = '']) => `${option(name)} is ${given}, and may be ${all}`,
  )
  if (choices.length > 0) return choices.join('; ')
  const [, names] = /^Missing required arguments?: ([^\n]+)/.exec(message) ?? []
  if (names !== undefined) return `missing: ${names.split(', ').map(option).join(', ')}`
  const [, given, companion] = /^Implications failed:\s+(\S+) -> (\S+)/.exec(message) ?? []
  if (given !== undefined && companion !== undefined) return `${option(given)} goes with ${option(companion)}`
  const [, command] = /^Did you mean (.+)\?$/.exec(message) ?? []
  if (command !== undefined) return `there is no such command; did you mean ${command}?`
  return message
}
