/**
 * Measures Sallyport beside its counterparts by the rules of the speed table, and prints what came out.
 *
 *   node test/bench/bench.ts [--rows export-big,verify-file,…] [--rounds N] [--scale 1] [--tls | --both]
 *                            [--json FILE] [--main dist/cli/main.js] [--profile FOLDER] [--strict]
 *
 * Each row has its own number of rounds, most of them three, unless one is given for all. Needs `npm run build` and the counterparts of `scripts/peers.sh`. With `--strict` a missed "must" ends it with 1.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { peersBin, startRegistry } from '../peers/setup/registry.ts'
import { contest, type Result, type Row } from './contest.ts'
import { benchData } from './data.ts'
import { missed, table } from './report.ts'
import { ROWS, WITHOUT_NETWORK } from './rows.ts'
import { makeSite } from './site.ts'
import { emptyFolder } from './stage.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: Object.keys(ROWS).join(',') },
    rounds: { type: 'string' },
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
const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
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

// One for both transports: what was bundled for the rows of the first is believed in those of the second.
const { main, profile } = values
const site = await makeSite({
  folder: join(data.folder, 'site'),
  ...(main !== undefined && { main }),
  ...(profile !== undefined && { profile }),
})

async function run(tls: boolean, wanted: readonly string[]): Promise<void> {
  const source = await startRegistry({ storage: data.storage, tls })
  const attic = join(data.folder, 'attic')
  try {
    const stage = { data, source, site, tls, folder: join(data.folder, 'work'), attic }
    emptyFolder(stage)
    rmSync(attic, { recursive: true, force: true })
    for (const name of wanted) {
      let row: Row | undefined
      try {
        row = await ROWS[name]?.(stage)
        if (row !== undefined) results.push(await contest(row, rounds, tls))
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
