/** From a registry into one tar. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { checkTar } from './check.ts'
import { type Bar, type Contender, MEMORY_BAR, type Row } from './contest.ts'
import { totalBytes } from './data.ts'
import { type Command, Failed } from './measure.ts'
import { bigExports, type ExportScript, smallExports } from './rivals.ts'
import { bareCommand, emptyFolder, rivalCommand, type Size, type Stage } from './stage.ts'

const UNEQUAL =
  'crane, oras and regctl look for no referrers and no signature tags here, and sign nothing; ours does. ' +
  'The bare loop fetches known blobs only, writes no tar.'

function exporters(stage: Stage, size: Size, scripts: Readonly<Record<string, ExportScript>>): Contender[] {
  const workload = stage.data[size]
  const out = join(stage.folder, 'out.tar')
  const clean = () => emptyFolder(stage)
  const check = async (_: unknown, round: number) => {
    await stage.source.settled()
    const requests = stage.source.requests().length
    checkTar(out, workload, round === 0)
    return { requests }
  }
  const counted = (command: () => Command) => () => {
    stage.source.clearRequests()
    return Promise.resolve(command())
  }
  const ours: Contender = {
    name: 'sallyport export',
    prepare: counted(() => stage.site.exportTo(out, stage.source, workload)),
    check,
    clean,
  }
  const rivals = Object.entries(scripts).map(([name, script]): Contender => ({
    name,
    prepare: counted(() => rivalCommand(stage, stage.source, script(stage.source, workload, out))),
    check,
    clean,
  }))
  return [ours, ...rivals]
}

function bareDownload(stage: Stage, size: Size): Contender {
  const workload = stage.data[size]
  const whole = Object.values(workload.blobs).reduce((sum, bytes) => sum + bytes, 0)
  return {
    name: 'bare download',
    prepare: () => Promise.resolve(bareCommand(stage, stage.source, workload)),
    check() {
      const { size: written } = statSync(join(stage.folder, 'bare.out'))
      if (written !== whole) throw new Failed(`the bare loop wrote ${written} bytes of ${whole}`)
      return undefined
    },
    clean: () => emptyFolder(stage),
  }
}

export function exportRow(stage: Stage, size: Size): Row {
  const workload = stage.data[size]
  const scripts = size === 'big' ? bigExports : smallExports
  const peers: Bar = { against: Object.keys(scripts), must: 0.75, record: 0.55 }
  const images = `${Object.keys(workload.tags).length} images, ${Object.keys(workload.blobs).length} blobs`
  const common = { key: `export-${size}`, unequal: UNEQUAL, cold: [stage.data.storage] }
  const title = `export ${images}, ${Math.round(totalBytes(workload) / 2 ** 20)} MiB`
  const contenders = [...exporters(stage, size, scripts), bareDownload(stage, size)]
  return size === 'big'
    ? {
        ...common,
        title,
        contenders,
        bars: [peers, { against: ['bare download'], must: 1.6, record: 1.2 }, MEMORY_BAR],
      }
    : { ...common, title, contenders, bars: [{ ...peers, must: 0.7, record: 0.5 }, MEMORY_BAR] }
}
