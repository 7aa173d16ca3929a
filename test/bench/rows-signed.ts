/** Signatures of artifacts judged, against notation's own library, and against not judging them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BenchTimes, judgeProgram } from '../peers/notation.ts'
import { type Contender, MEMORY_BAR, type Row } from './contest.ts'
import { totalBytes, type Workload } from './data.ts'
import { type Command, Failed, shell } from './measure.ts'
import { signedData } from './signed-data.ts'
import { bundleFrom, emptyFolder, extracted, type Stage } from './stage.ts'

const UNEQUAL =
  'notation reads manifests and signatures from the bundle as a folder, which was unpacked before; it looks at no ' +
  'layer and no channel. Ours also judges the head and hashes every byte of the bundle. Both go by one policy and store.'

interface Told {
  readonly verdict: string
  readonly artifacts: readonly { readonly verdict: string; readonly signatures: readonly unknown[] }[] | null
}

/** One trusted artifact with one signature for each tag, or no word on artifacts at all. */
function ours(stage: Stage, name: string, command: () => Command, wanted: number | undefined): Contender {
  const out = join(stage.folder, 'verdict.json')
  return {
    name,
    async prepare() {
      emptyFolder(stage)
      const { argv } = command()
      return { argv: shell(`exec ${argv.join(' ')} > ${out}`) }
    },
    check() {
      const { verdict, artifacts } = (JSON.parse(readFileSync(out, 'utf8')) as { report: Told }).report
      const good = artifacts?.filter((artifact) => artifact.verdict === 'trusted' && artifact.signatures.length === 1)
      if (verdict === 'trusted' && good?.length === wanted) return undefined
      throw new Failed(`${verdict}, ${good?.length} artifacts of ${wanted} are trusted`)
    },
  }
}

/** One process that opens the layout and the policy once and asks notation.Verify for each artifact in turn. */
function notationLoop(stage: Stage, layout: string, configDir: string, { tags }: Workload): Contender {
  const program = judgeProgram()
  if (program === undefined) throw new Failed('the judge on notation-go is missing: run scripts/peers.sh')
  const references = Object.values(tags).map((digest) => `local/bench/signed@${digest}`)
  return {
    name: 'notation.Verify in a loop',
    async prepare() {
      emptyFolder(stage)
      const question = join(stage.folder, 'notation.json')
      writeFileSync(question, `${JSON.stringify({ bench: { layout, references, configDir, repeat: 1 } })}\n`)
      return { argv: shell(`exec ${program} < ${question}`) }
    },
    check({ stdout }) {
      const { ok, seconds, count } = JSON.parse(stdout) as BenchTimes
      if (!ok || count !== references.length) throw new Failed(`unexpected: ${stdout.slice(0, 400)}`)
      return { 'seconds inside': seconds[0] ?? NaN }
    },
  }
}

export async function verifySignedRow(stage: Stage): Promise<Row> {
  const { small, policy } = await signedData(stage.data)
  const bundle = await bundleFrom(stage, 'signed', small)
  const count = Object.keys(small.tags).length
  const notation = notationLoop(stage, await extracted(bundle), policy, small)
  return {
    key: 'verify-signed',
    title: `verify a bundle of ${count} small images, each with a COSE signature by ES384, from the page cache`,
    unequal: UNEQUAL,
    contenders: [ours(stage, 'sallyport verify', () => stage.site.verify(bundle, policy), count), notation],
    bars: [{ against: [notation.name], must: 0.5, record: 0.4 }, MEMORY_BAR],
    cold: [],
  }
}

export async function verifySignedBigRow(stage: Stage): Promise<Row> {
  const { big, policy } = await signedData(stage.data)
  const bundle = await bundleFrom(stage, 'signed-big', big)
  const count = Object.keys(big.tags).length
  const gib = totalBytes(big) / 2 ** 30
  const without = 'without policy'
  return {
    key: 'verify-signed-big',
    title: `verify ${gib.toFixed(2)} GiB in ${count} images, each with a COSE signature by ES384, from the page cache`,
    contenders: [
      ours(stage, 'sallyport verify', () => stage.site.verify(bundle, policy), count),
      ours(stage, without, () => stage.site.verify(bundle), undefined),
    ],
    bars: [{ against: [without], must: 1.1, record: 1.05 }, MEMORY_BAR],
    cold: [],
    // The bar is nearer than three runs can tell.
    rounds: 7,
  }
}
