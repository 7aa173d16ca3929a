/** Makes bundles/ERRORS.md from the code table: `node bundles/make-errors.ts`. Equal tables give equal bytes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CODES, type Code } from '../src/errors/index.ts'

type Exit = (typeof CODES)[Code][0]

/** The one exit table (design §6). */
export const EXITS: readonly (readonly [exit: number, meaning: string, move: string])[] = [
  [0, 'done', 'nobody'],
  [1, 'a fault of Sallyport', 'report it'],
  [2, 'usage, or a file that was named', 'yours'],
  [3, 'done; what was left out by choice, or is not known here, is named', 'nobody'],
  [10, 'the bundle is damaged', 'copy it again'],
  [11, 'the bundle or a key is not understood', 'a newer version, or the sender'],
  [12, 'a signature is invalid', 'the sender'],
  [13, 'valid, but not trusted, or not for this site or channel', 'the operator, by hand'],
  [14, 'revoked or denied', 'the publisher, or who denied it'],
  [15, 'stale, replayed or rolled back', 'the sender: a newer bundle'],
  [16, 'cannot decide', 'a fuller bundle, or the policy'],
  [17, 'a limit stopped it', 'split the work'],
  [18, 'incomplete: an approval or an earlier bundle is missing', 'the sender'],
  [20, 'the source registry or layout', 'its operator; run again'],
  [21, 'the target registry or layout', 'its operator; run again'],
  [22, 'the local state or disk', 'repair, then run again'],
  [130, 'interrupted; the state is consistent', 'run the same command again'],
]

const GROUPS: readonly (readonly [exit: Exit, title: string])[] = [
  [1, 'Our fault'],
  [2, 'Usage and configuration'],
  [10, 'Damaged'],
  [11, 'Not understood'],
  [12, 'Signature invalid'],
  [13, 'Valid, but not trusted here'],
  [14, 'Revoked or denied'],
  [15, 'Stale, replayed or rolled back'],
  [16, 'Cannot decide'],
  [17, 'A limit'],
  [18, 'Incomplete'],
  ['side', 'By side: source 20, target 21, bundle 10, state 22'],
  [22, 'Local state'],
  [130, 'Interrupted'],
]

/** The line of one code. Its anchor is the code in lower case. */
export function lineOf(code: Code): string {
  const [exit, sentence, remedy] = CODES[code]
  return `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${exit} | ${sentence} | ${remedy} |`
}

/** The text of ERRORS.md. */
export function errorsDocument(): string {
  const groups = GROUPS.flatMap(([exit, title]) => {
    const codes = (Object.keys(CODES) as Code[]).filter((code) => CODES[code][0] === exit)
    if (codes.length === 0) return []
    const heading = exit === 'side' ? title : `${exit}: ${title}`
    return [`\n## ${heading}\n`, '| code | exit | what | remedy |', '| --- | --- | --- | --- |', ...codes.map(lineOf)]
  })
  return `${[
    '# Errors',
    '',
    '<!-- Made by `node bundles/make-errors.ts` from src/errors/codes.ts; do not edit. -->',
    '',
    'Every refusal has a code, the side it lies on, an exact subject and a remedy. The exit status answers two questions:',
    'may I use this, and whose move is it? Codes and statuses are only ever added; a script treats an unknown status as',
    'failure. With `--json` the error is one document (`bundles/schemas/error.json`). Where the status of a code is `side`,',
    'it follows the side that the error names.',
    '',
    '## Exit statuses',
    '',
    '| status | meaning | whose move |',
    '| --- | --- | --- |',
    ...EXITS.map(([exit, meaning, move]) => `| ${exit} | ${meaning} | ${move} |`),
    '',
    'What lay at a target and was trusted until now counts as what is brought: an import that itself went well ends with 14',
    'when something there was revoked or denied, with 16 when that can only not be decided, and 21 when the target could not',
    'be asked or changed. `revocation status` ends with 15 when somebody has to act.',
    ...groups,
  ].join('\n')}\n`
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'ERRORS.md'), errorsDocument())
