/** Denies and judges again, as one run: STATE TARGET POLICY ARTIFACT. */
import { denyAtSite } from '../../src/transfer/rejudge/site-deny.ts'
import { NOW } from '../transfer/stage.ts'

const [state = '', to = '', policy = '', artifact = ''] = process.argv.slice(2)
await denyAtSite({ state, to, policy, artifact, reason: 'a test', registry: { plainHttp: true }, now: NOW })
