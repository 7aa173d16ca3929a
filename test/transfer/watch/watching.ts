/** A stage with three bundles, and inboxes to put them into. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, buildZooLayout } from '../../../fixtures/layouts/build.ts'
import { watch, type WatchReport } from '../../../src/transfer/index.ts'
import type { WatchOptions } from '../../../src/transfer/watch/watch.ts'
import { hoursLater, planFor, Stage } from '../stage.ts'

export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 2000, 'it never came')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function names(dir: string): string[] {
  return readdirSync(dir).sort()
}

/** Name, outcome and code of each. */
export function outcomes({ bundles }: WatchReport): string[][] {
  return bundles.map(({ name, outcome, code }) => [name, outcome, ...(code === undefined ? [] : [code])])
}

/** An inbox with its site and target; all runs are three hours after the first bundle was made. */
export interface Work extends Pick<WatchOptions, 'inbox' | 'state' | 'to' | 'clock'> {
  out: string
  notes: string[]
  onEvent: WatchOptions['onEvent']
}

export class Watching {
  readonly stage: Stage
  /** Sequences 1 to 3. */
  readonly bundles: string[] = []

  private constructor(stage: Stage) {
    this.stage = stage
  }

  static async make(): Promise<Watching> {
    const watching = new Watching(await Stage.make())
    const { stage, bundles } = watching
    const demo = join(stage.dir, 'demo')
    const zoo = join(stage.dir, 'zoo')
    await buildDemoLayout(demo)
    await buildZooLayout(zoo)
    for (const [i, ref] of [demo, zoo, demo].entries()) {
      const output = stage.path(`bundle-${i + 1}.tar`)
      await stage.export({ output, plan: planFor(`oci:${ref}`), now: hoursLater(i) })
      bundles.push(output)
    }
    return watching
  }

  async work(): Promise<Work> {
    const { stage } = this
    const inbox = stage.path('inbox')
    mkdirSync(inbox)
    const out = stage.path('out')
    const notes: string[] = []
    return {
      inbox,
      state: await stage.site(),
      out,
      to: `oci:${out}`,
      clock: () => hoursLater(3),
      notes,
      onEvent: (event) => {
        if (event.type === 'note') notes.push(event.text)
      },
    }
  }

  /** Puts the bundle of this sequence into the inbox; its path there. */
  put({ inbox }: Work, sequence: 1 | 2 | 3, name: string): string {
    const file = join(inbox, name)
    copyFileSync(this.bundle(sequence), file)
    return file
  }

  bundle(sequence: 1 | 2 | 3): string {
    return this.bundles[sequence - 1] ?? ''
  }

  close(): void {
    this.stage.close()
  }
}

/** One look, unless told otherwise. */
export function look(
  { notes: _notes, out: _out, ...from }: Work,
  more: Partial<WatchOptions> = {},
): Promise<WatchReport> {
  return watch({
    map: [],
    access: () => Promise.resolve({}),
    concurrency: 4,
    settle: 20,
    interval: 20,
    files: {},
    once: true,
    document: (ended) => `${JSON.stringify('error' in ended ? { error: String(ended.error) } : ended)}\n`,
    ...from,
    ...more,
  })
}
