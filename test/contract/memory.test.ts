import { MemoryPlace } from '../../src/content/index.ts'
import { copyLayout } from './copy-layout.ts'
import { sourceContract } from './source.ts'
import { targetContract } from './target.ts'

sourceContract('memory', async (dir, demo) => {
  const source = new MemoryPlace('memory.example', 'source').repository('demo/app')
  await copyLayout(dir, demo.repository, source)
  return { source, close: async () => undefined }
})

targetContract('memory', async () => {
  const place = new MemoryPlace('memory.example')
  return { place, reopen: async () => place, close: () => place.close() }
})
