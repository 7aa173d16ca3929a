import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { layoutTarget, openLayout } from '../../src/content/index.ts'
import { copyLayout } from './copy-layout.ts'
import { sourceContract } from './source.ts'
import { targetContract } from './target.ts'

sourceContract('layout folder', async (dir, demo) => {
  const layout = await openLayout(dir)
  return { source: layout.source(demo.repository), close: async () => layout.close() }
})

sourceContract('layout folder that we wrote', async (dir, demo) => {
  const place = layoutTarget(join(dir, '..', 'copy'))
  await copyLayout(dir, demo.repository, place.repository(demo.repository))
  await place.close()
  const layout = await openLayout(join(dir, '..', 'copy'))
  return { source: layout.source(demo.repository), close: async () => layout.close() }
})

targetContract('layout folder', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-target-'))
  let place = layoutTarget(join(dir, 'layout'))
  return {
    place,
    reopen: async () => {
      await place.close()
      place = layoutTarget(join(dir, 'layout'))
      return place
    },
    close: async () => {
      await place.close()
      rmSync(dir, { recursive: true })
    },
  }
})
