import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { createInterface } from 'node:readline'
import { layoutTarget, openLayout } from '../../src/content/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { digestOf, parseManifest } from '../../src/oci/index.ts'
import { bodyOf, collect, randomBlob } from '../contract/content.ts'
import { scratch } from './scratch.ts'

describe('content/layout-store under kill', () => {
  const fresh = scratch()

  /** Runs the writer, asks `during` while it is alive, kills it after a while; the tags it said to have written. */
  async function killed(dir: string, during: () => Promise<void>): Promise<Map<string, string>> {
    const writer = spawn(execPath, [join(import.meta.dirname, 'layout-writer.ts'), dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const told = new Map<string, string>()
    const ended = new Promise((resolve) => writer.once('exit', resolve))
    for await (const line of createInterface({ input: writer.stdout })) {
      const [tag = '', digest = ''] = line.split(' ')
      told.set(tag, digest)
      if (told.size !== 5) continue
      await during()
      setTimeout(() => writer.kill('SIGKILL'), randomInt(0, 60))
    }
    await ended
    return told
  }

  it('keeps every tag it told of, points at nothing absent, and lets the next writer in', async () => {
    const dir = fresh('layout')
    const { descriptor, bytes } = randomBlob(10)
    for (let round = 0; round < 3; round++) {
      const told = await killed(dir, async () => {
        const second = layoutTarget(dir)
        await assert.rejects(second.repository('a').pushBlob(descriptor, bodyOf(bytes)), (error) =>
          isFault(error, 'LAYOUT_LOCKED'),
        )
        await second.close()
      })
      assert.ok(told.size >= 5)
      const source = (await openLayout(dir)).source('local/kill/me')
      for (const [tag, digest] of told) assert.equal((await source.resolve(tag))?.digest, digest)
      for (const tag of await source.tags()) {
        const found = await source.resolve(tag)
        assert.ok(found)
        const { layers } = parseManifest(await source.manifest(found), found.mediaType, 'source', tag)
        for (const layer of layers) assert.equal(digestOf(await collect(source.blob(layer))), layer.digest)
      }
      const next = layoutTarget(dir)
      await next.repository('a').pushBlob(descriptor, bodyOf(bytes))
      await next.close()
      const left = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.sallyport'))
      assert.deepEqual(left, [])
    }
  })
})
