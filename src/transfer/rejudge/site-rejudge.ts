/** Judges again at the end of what may have changed something: by the site's policy, or by denials alone. */
import type { State } from '../../state/index.ts'
import type { TrustMaterial } from '../../trust/index.ts'
import type { PluginPlace } from '../verdict/plugin-place.ts'
import { Measures } from '../measure/measure.ts'
import type { Place } from '../place/place.ts'
import { fittingMeasure, FORGOTTEN, rejudge } from './rejudge.ts'
import type { RejudgeReport } from './report.ts'
import type { RunOptions } from '../run/run.ts'
import type { SealOptions } from '../sign/seal-target.ts'

export interface SiteRejudgeOptions extends RunOptions {
  now: Date
  /** The site's policy; without one only denials are gone by, and measures are but told. */
  material: TrustMaterial | undefined
  plugins?: PluginPlace | undefined
  /** Signs tombstones; without it they are unsigned, and told so. */
  seal?: SealOptions | undefined
  /** The measures are told, and not taken. Duty of the caller: the state is one that writes nothing. */
  dryRun?: boolean | undefined
}

/** As {@link rejudge}, with the measure that the policy asks for. */
export function rejudgeSite(state: State, place: Place, options: SiteRejudgeOptions): Promise<RejudgeReport | null> {
  const { material } = options
  const measure = material?.revocation.measure ?? 'report'
  const measures = new Measures(state, place, options)
  return rejudge(state, place, {
    ...options,
    measure,
    condemn(artifact, code) {
      if (code !== FORGOTTEN) measures.condemn(artifact)
    },
    async apply(artifact, { code, why }) {
      const fitting = fittingMeasure(code, measure)
      const { outcome, detail, reachable, tombstone } = await measures.apply(artifact, fitting, { code, detail: why })
      return { measure: fitting, outcome, detail, reachable, ...(tombstone === null ? {} : { tombstone }) }
    },
  })
}
