/** Works on a state until it is killed and prints each decision after it was acknowledged. Arguments: folder, first number. */
import { writeSync } from 'node:fs'
import { State } from '../../src/state/index.ts'
import { digest, headOf, NOW, REPOSITORY, TARGET } from './folder.ts'

const [dir = '', from = '0'] = process.argv.slice(2)
const state = await State.open(dir, { write: true, now: NOW })
// Straight to the descriptor: what is said is in the reader's hands before the next step.
const say = (text: string): void => void writeSync(1, `${text}\n`)

for (const { target, repository, tag } of state.openIntents())
  await state.settleTags([{ target, repository, tag, outcome: 'settled-old' }])
for (let at = Number(from); ; at++) {
  await state.commitHead(headOf('vendor-a', at))
  say(`head ${at}`)
  await Promise.all([
    state.recordHeld({ target: TARGET, repository: REPOSITORY, digests: [digest(at), digest(-at)] }),
    state.note(`${at} ${'x'.repeat(at % 7000)}`),
  ])
  say(`held ${at}`)
  const tag = { target: TARGET, repository: REPOSITORY, tag: `v${at}` }
  await state.intendTags([{ ...tag, old: null, new: digest(at) }])
  await state.settleTags([{ ...tag, outcome: 'moved' }])
  say(`tag ${at}`)
}
