/** Takes one measure, or lets out what it was taken against: STATE TARGET PATH DIGEST MEASURE|release [POLICY]. Prints the report. */
import { State } from '../../src/state/index.ts'
import type { Digest } from '../../src/oci/index.ts'
import { applyMeasure } from '../../src/transfer/measure/measure.ts'
import { openPlace } from '../../src/transfer/place/place.ts'
import { quarantineRelease } from '../../src/transfer/rejudge/quarantine-release.ts'
import { NOW } from '../transfer/stage.ts'

const [dir = '', to = '', path = '', digest = '', what = '', policy = ''] = process.argv.slice(2)
const registry = { plainHttp: true }

async function take(measure: 'retag' | 'remove'): Promise<object> {
  const state = await State.open(dir, { now: NOW, write: true })
  const place = openPlace(to, registry)
  try {
    const artifact = { target: place.name, path, digest: digest as Digest }
    const why = { code: 'CERTIFICATE_REVOKED', detail: 'a test' } as const
    return await applyMeasure(state, place, artifact, measure, why, { now: NOW })
  } finally {
    await place.close()
    await state.close()
  }
}

const terms = { state: dir, ref: digest, reason: 'a test', by: ['ann'], approvals: [], policy, registry, now: NOW }
const report = what === 'release' ? await quarantineRelease(terms) : await take(what === 'remove' ? 'remove' : 'retag')
process.stdout.write(JSON.stringify(report))
