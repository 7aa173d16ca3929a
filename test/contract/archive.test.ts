import { join } from 'node:path'
import { openArchive } from '../../src/bundle/archive-source.ts'
import { sourceContract } from './source.ts'
import { tarFolder } from './tar.ts'

for (const prefix of ['', './']) {
  sourceContract(`layout archive with names like ${prefix}index.json`, async (dir, demo) => {
    const file = join(dir, '..', 'demo.tar')
    await tarFolder(dir, file, prefix)
    const layout = await openArchive(file)
    return { source: layout.source(demo.repository), close: async () => layout.close() }
  })
}
