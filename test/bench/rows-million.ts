/** What a million blobs take in memory: they are small, so that nothing else of them counts. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contender, MEMORY_BAR, type Row } from './contest.ts'
import { MANIFEST } from './data.ts'
import { type Command, Failed, succeed } from './measure.ts'
import { madeOnce, markMade, type Stage } from './stage.ts'

/** A new number makes the layout anew. */
const GENERATOR = 1
const BLOBS = 1_000_000
/** As few manifests as their cap of 4 MiB allows are the hardest: each is parsed whole. */
const A_MANIFEST = 20_000
const BLOB = 24
const TAG = 'org.opencontainers.image.ref.name'

interface Part {
  mediaType: string
  digest: string
  size: number
}

function makeLayout(folder: string, count: number): void {
  const blobs = join(folder, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const put = (bytes: Buffer, mediaType: string): Part => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const config = put(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json')
  const manifests: (Part & { annotations: Record<string, string> })[] = []
  for (let made = 0; made < count; made += A_MANIFEST) {
    const layers = Array.from({ length: Math.min(A_MANIFEST, count - made) }, (_, i) =>
      put(Buffer.from(String(made + i).padStart(BLOB)), 'application/octet-stream'),
    )
    const artifactType = 'application/vnd.example.many'
    const manifest = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, artifactType, config, layers }),
    )
    manifests.push({ ...put(manifest, MANIFEST), annotations: { [TAG]: `v${manifests.length}` } })
  }
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}

interface Many {
  layout: string
  bundle: string
  count: number
}

/** The layout of so many blobs, made once. */
function manyBlobs({ data }: Stage): Many {
  const count = Math.round(BLOBS * data.scale)
  const layout = join(data.folder, `million-v${GENERATOR}`)
  if (!existsSync(layout)) {
    process.stderr.write(`writing ${count} blobs to ${layout}\n`)
    rmSync(`${layout}.new`, { recursive: true, force: true })
    makeLayout(`${layout}.new`, count)
    renameSync(`${layout}.new`, layout)
  }
  return { layout, bundle: join(data.folder, 'million.tar'), count }
}

function row(key: string, title: string, contender: Contender): Row {
  return {
    key,
    title,
    contenders: [contender],
    bars: [{ ...MEMORY_BAR, must: 512, record: 512 }],
    cold: [],
    rounds: 1,
  }
}

const done = (command: Command): Promise<Command> => Promise.resolve(command)

const bundled = (stage: Stage, { bundle, layout }: Many): Promise<void> =>
  madeOnce(bundle, async () => void (await succeed(stage.site.exportLayout(bundle, layout))))

export function millionExportRow(stage: Stage): Row {
  const many = manyBlobs(stage)
  return row('million-export', `export ${many.count} blobs from a layout`, {
    name: 'sallyport export',
    prepare() {
      rmSync(many.bundle, { force: true })
      return done(stage.site.exportLayout(many.bundle, many.layout))
    },
    check() {
      // A header and a block each, at least.
      if (statSync(many.bundle).size < many.count * 1024) throw new Failed('the bundle is too short')
      markMade(many.bundle)
      return undefined
    },
  })
}

export async function millionVerifyRow(stage: Stage): Promise<Row> {
  const many = manyBlobs(stage)
  await bundled(stage, many)
  return row('million-verify', `verify a bundle of ${many.count} blobs`, {
    name: 'sallyport verify',
    prepare: () => done(stage.site.verify(many.bundle)),
    check({ stdout }) {
      const { report } = JSON.parse(stdout) as { report: { verdict: string; blobs: number } }
      if (report.verdict !== 'trusted') throw new Failed(report.verdict)
      return undefined
    },
  })
}

export async function millionImportRow(stage: Stage): Promise<Row> {
  const many = manyBlobs(stage)
  await bundled(stage, many)
  const target = join(stage.folder, 'target')
  return row('million-import', `import a bundle of ${many.count} blobs into a layout`, {
    name: 'sallyport import',
    prepare() {
      rmSync(target, { recursive: true, force: true })
      return done(stage.site.importInto(many.bundle, target))
    },
    check() {
      const files = readdirSync(join(target, 'blobs/sha256')).length
      if (files < many.count) throw new Failed(`${files} files of ${many.count} blobs`)
      return undefined
    },
    clean: () => rmSync(target, { recursive: true, force: true }),
  })
}
