/** Brings lists and denials into a state, or makes one from a backup, and says so. Arguments: `take` or `restore`, folder, backup. */
import { writeSync } from 'node:fs'
import { restore, State } from '../../src/state/index.ts'
import { NOW } from './folder.ts'
import { answerOf, denialOf, FROM, listOf } from './lists.ts'

const [what = '', dir = '', file = ''] = process.argv.slice(2)
const say = (text: string): void => void writeSync(1, `${text}\n`)

if (what === 'restore') {
  await restore(dir, file, { now: NOW, reason: 'the disk is lost' })
  say('restored')
} else {
  const state = await State.open(dir, { write: true, now: NOW })
  await state.takeLists([listOf(5, { kept: Buffer.from('kept') }), listOf(5, { form: 'delta' })], FROM)
  say('lists')
  await state.addDenials([denialOf(1), denialOf(2)], FROM)
  say('denials')
  await state.takeLists([listOf(6), answerOf('a1', 6)], FROM)
  say('newer lists')
  await state.markRejudged(state.head.n)
  say('rejudged')
  await state.close()
}
