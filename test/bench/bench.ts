/**
 * Measures Sallyport beside its counterparts by the rules of the speed table, and prints what came out.
 *
 *   node test/bench/bench.ts [--rows export-big,verify-file,…] [--rounds 3] [--scale 1] [--tls | --both]
 *                            [--json FILE] [--main dist/cli/main.js] [--profile FOLDER] [--strict]
 *
 * Needs `npm run build` and the counterparts of `scripts/peers.sh`. With `--strict` a missed "must" ends it with 1.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { peersBin, startRegistry } from '../peers/setup/registry.ts'
import { contest, type Result, type Row } from './contest.ts'
import { benchData } from './data.ts'
import { missed, table } from './report.ts'
import { exportRow } from './rows-export.ts'
import { againRow, importRow } from './rows-import.ts'
import { listRow } from './rows-list.ts'
import { millionExportRow, millionImportRow, millionVerifyRow } from './rows-million.ts'
import { rejudgeRow } from './rows-rejudge.ts'
import { startRow } from './rows-start.ts'
import { verifySignedBigRow, verifySignedRow } from './rows-signed.ts'
import { verifyRow } from './rows-verify.ts'
import { makeSite } from './site.ts'
import { emptyFolder, type Stage } from './stage.ts'

const ROWS: Readonly<Record<string, (stage: Stage) => Row | Promise<Row>>> = {
  'export-big': (stage) => exportRow(stage, 'big'),
  'export-small': (stage) => exportRow(stage, 'small'),
  'verify-file': (stage) => verifyRow(stage, 'file', false),
  'verify-file-cold': (stage) => verifyRow(stage, 'file', true),
  'verify-pipe': (stage) => verifyRow(stage, 'pipe', false),
  'verify-pipe-cold': (stage) => verifyRow(stage, 'pipe', true),
  'verify-signed': verifySignedRow,
  'verify-signed-big': verifySignedBigRow,
  'crl-million': listRow,
  rejudge: rejudgeRow,
  'import-big': (stage) => importRow(stage, 'big'),
  'import-small': (stage) => importRow(stage, 'small'),
  'again-big': (stage) => againRow(stage, 'big'),
  'again-small': (stage) => againRow(stage, 'small'),
  'million-export': millionExportRow,
  'million-verify': millionVerifyRow,
  'million-import': millionImportRow,
  'start-version': ({ site }) => startRow(site, '--version'),
  'start-help': ({ site }) => startRow(site, '--help'),
}

/** What a transport does not change is measured once. */
const WITHOUT_NETWORK = /^(?:(?:verify|start|crl|million)-|rejudge$)/

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: Object.keys(ROWS).join(',') },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    tls: { type: 'boolean', default: false },
    both: { type: 'boolean', default: false },
    json: { type: 'string' },
    main: { type: 'string' },
    profile: { type: 'string' },
    strict: { type: 'boolean', default: false },
  },
})
const rows = values.rows.split(',')
for (const row of rows) if (!(row in ROWS)) throw new Error(`no row ${row}; there are ${Object.keys(ROWS).join(', ')}`)
if (peersBin() === undefined) throw new Error('the counterparts are missing: run scripts/peers.sh')

const data = await benchData(Number(values.scale))

// A signal ends a process without its exit handlers, which are what ends the registries.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const results: Result[] = []
const failures: string[] = []
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memory: totalmem(), node: process.version }

function keep(): void {
  if (values.json === undefined) return
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine, scale: Number(values.scale), failures, results }, undefined, 2)}\n`,
  )
}

async function run(tls: boolean, wanted: readonly string[]): Promise<void> {
  const source = await startRegistry({ storage: data.storage, tls })
  const attic = join(data.folder, 'attic')
  try {
    const { main, profile } = values
    const folder = join(data.folder, 'site')
    const site = await makeSite({
      folder,
      ...(main !== undefined && { main }),
      ...(profile !== undefined && { profile }),
    })
    const stage = { data, source, site, tls, folder: join(data.folder, 'work'), attic }
    emptyFolder(stage)
    rmSync(attic, { recursive: true, force: true })
    for (const name of wanted) {
      let row: Row | undefined
      try {
        row = await ROWS[name]?.(stage)
        if (row !== undefined) results.push(await contest(row, Number(values.rounds), tls))
      } catch (error) {
        // A contender that fails spoils its row, never the others.
        failures.push(`${name}${tls ? ' (TLS)' : ''}: ${error instanceof Error ? error.message : String(error)}`)
      } finally {
        await row?.close?.()
      }
      keep()
    }
  } finally {
    await source.stop()
    rmSync(attic, { recursive: true, force: true })
  }
}

if (!values.tls || values.both) await run(false, rows)
if (values.tls || values.both) {
  await run(
    true,
    rows.filter((name) => !(values.both && WITHOUT_NETWORK.test(name))),
  )
}
process.stdout.write(`${machine.cpu}, ${machine.cores} cores, node ${machine.node}\n\n${table(results)}`)
const short = missed(results)
if (short.length > 0) process.stdout.write(`\nmissed: ${short.join('; ')}\n`)
else if (failures.length === 0) process.stdout.write('\nevery "must" is reached\n')
for (const failure of failures) process.stdout.write(`FAILED ${failure}\n`)
if (failures.length > 0 || (values.strict && short.length > 0)) process.exitCode = 1
