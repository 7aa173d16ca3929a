/** What of revocation waits for somebody, a line each, with the command that is next. */
import type { StatusReport } from '../index.ts'
import { defaultState } from './context.ts'
import { counted, plain, word } from './show.ts'

/** The option that names this state, where a command would look for another. */
function ofState(state: string): string {
  return state === defaultState() ? '' : ` --state ${word(state)}`
}

export function attentionLines({ state, attention }: Pick<StatusReport, 'state' | 'attention'>): string[] {
  const { pending, missing, unplaced, quarantined, restored } = attention
  const at = ofState(state)
  const judged = pending.lists + pending.denials
  return [
    ...(judged === 0
      ? []
      : [
          `NOT JUDGED BY YET: ${counted(pending.lists, 'list')}, ${counted(pending.denials, 'denial')}: sallyport revocation judge${at} --policy POLICY --to TARGET`,
        ]),
    ...(missing === 0
      ? []
      : [`NEVER HAD: ${counted(missing, 'list')} that certificates name: sallyport revocation status${at}`]),
    ...(unplaced === 0
      ? []
      : [
          `NEVER JUDGED AGAIN: ${counted(unplaced, 'artifact')} let in before places were written down: sallyport revocation status${at}`,
        ]),
    ...(quarantined === 0
      ? []
      : [
          `${counted(quarantined, 'artifact')} trusted no more, with a measure against ${quarantined === 1 ? 'it' : 'each'}: sallyport quarantine list${at}`,
        ]),
    ...(restored === null
      ? []
      : [
          `RESTORED ${restored.time} (${plain(restored.reason)}), and nothing accepted since of ${restored.unheard.map(plain).join(', ')}: it may be blind to what came after the backup; bring the newest bundle of each: sallyport import BUNDLE${at}${restored.policy ? ' --policy POLICY' : ''} --to TARGET`,
        ]),
  ]
}
