/** A site judged again because of a list, against all of it judged again: a hundred thousand artifacts by five thousand signers. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRegistry } from '../peers/setup/registry.ts'
import { judgeLying } from '../../src/transfer/verdict/judge-lying.ts'
import { openPolicy } from '../../src/transfer/trust/policy-folder.ts'
import { SideBySide } from '../../src/transfer/run/side-by-side.ts'
import { admitMany } from '../transfer/rejudge/many-artifacts.ts'
import { PATH, RevocableSite } from '../transfer/revocable.ts'
import { NOW } from '../transfer/stage.ts'
import { MEMORY_BAR, type Row } from './contest.ts'
import { Failed } from './measure.ts'
import type { Stage } from './stage.ts'

const CERTIFICATES = 5_000
/** By each certificate. */
const EACH = 20
const REVOKED = [1, 2, 3]
/** Judged to know what judging one costs. */
const SAMPLE = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
const OF_ALL = 'of verifying all'
const UNEQUAL =
  'that all are judged is not measured: it is the time of 200 of them, 8 at a time in one process, times as many, without ' +
  'the start of the program and of the state, which ours has in its time. What no list touches lies in the state alone.'

/** Seconds that all would take, from those that the sample takes. */
async function secondsOfAll(site: RevocableSite, artifacts: number): Promise<number> {
  const { state, place } = site.ward
  const wanted = new Set(SAMPLE.map((serial) => site.vendor.signer(serial).chain[0]?.sha256 ?? ''))
  const places = [...wanted].flatMap((sha256) => state.artifactsOf(sha256))
  const judge = judgeLying(state, place, openPolicy(site.policy), { now: NOW })
  const begun = performance.now()
  const judged = new SideBySide<string>()
  for (const one of places) await judged.begin(1, async () => (await judge(one, place.at(one.path))).report.verdict)
  const verdicts = await judged.all()
  if (verdicts.some((verdict) => verdict !== 'trusted')) throw new Failed('the sample is not trusted')
  return ((performance.now() - begun) / 1000 / verdicts.length) * artifacts
}

interface Told {
  report: { rejudged: { known: number; signatures: number; artifacts: { verdict: string }[] } | null }
}

export async function rejudgeRow(stage: Stage): Promise<Row> {
  const registry = await startRegistry({})
  const site = await RevocableSite.make(registry.host)
  // Those that are real stand among them.
  const certificates = Math.max(Math.round(CERTIFICATES * stage.data.scale), Math.max(...SAMPLE) + 1)
  const artifacts = certificates * EACH
  const there = await admitMany(site, {
    artifacts,
    certificates,
    real: [...REVOKED, ...SAMPLE],
  })
  const all = await secondsOfAll(site, artifacts)
  await site.take(site.vendor.list(2, Object.fromEntries(REVOKED.map((serial) => [serial, 1]))))
  await site.ward.pause()
  const scratch = mkdtempSync(join(tmpdir(), 'sallyport-rejudge-'))
  const used = join(scratch, 'state')
  const touched = REVOKED.length * EACH
  const args = ['revocation', 'judge', '--policy', site.policy, '--to', site.ward.to, '--state', used, '--json']
  return {
    key: 'rejudge',
    close: () => registry.stop(),
    title: `judge a site of ${artifacts} artifacts by ${certificates} signers again, ${REVOKED.length} of them revoked`,
    unequal: UNEQUAL,
    contenders: [
      {
        name: 'sallyport revocation judge',
        async prepare() {
          rmSync(used, { recursive: true, force: true })
          cpSync(site.ward.stateDir, used, { recursive: true })
          await registry.settled()
          registry.clearRequests()
          const judge = stage.site.sallyport([...args, '--plain-http'])
          // A site that finds something revoked ends with 14, which is what is wanted here.
          return { argv: ['sh', '-c', '"$@"; test $? -eq 14', 'sh', ...judge.argv] }
        },
        async check({ stdout, seconds }) {
          const { rejudged } = (JSON.parse(stdout) as Told).report
          if (rejudged?.known !== artifacts || rejudged.signatures !== touched)
            throw new Failed(`${rejudged?.signatures} signatures of ${rejudged?.known} artifacts`)
          if (rejudged.artifacts.some(({ verdict }) => verdict !== 'rejected')) throw new Failed('not all are rejected')
          await registry.settled()
          const paths = registry.requests().map(({ path }) => path)
          // All others lie in other repositories.
          const other = paths.find((path) => path !== '/v2/' && !path.startsWith(`/v2/${PATH}/`))
          if (other !== undefined) throw new Failed(`asked for ${other}`)
          const digests = paths.flatMap((path) => /sha256:[0-9a-f]{64}/.exec(path)?.[0] ?? [])
          const asked = new Set(digests.filter((digest) => there.has(digest as `sha256:${string}`)))
          if (asked.size !== touched) throw new Failed(`${asked.size} artifacts were asked for`)
          return {
            [OF_ALL]: seconds / all,
            'signature operations': rejudged.signatures,
            'artifacts asked for': asked.size,
            requests: paths.length,
            'all, seconds': all,
          }
        },
      },
    ],
    bars: [
      { against: [OF_ALL], must: 0.02, record: 0.01 },
      { ...MEMORY_BAR, must: 512, record: 300 },
    ],
    cold: [],
  }
}
