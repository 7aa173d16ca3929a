/** Writes the corpus: `accept/`, `reject/`, `roots/` and `expect.json`. Run again it changes no byte. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { corpusFiles, makeCorpus } from './vectors/corpus.ts'

const files = corpusFiles(makeCorpus())
for (const folder of ['accept', 'reject', 'roots']) {
  mkdirSync(join(import.meta.dirname, folder), { recursive: true })
  for (const name of readdirSync(join(import.meta.dirname, folder)))
    if (!files.has(`${folder}/${name}`)) rmSync(join(import.meta.dirname, folder, name))
}
let size = 0
for (const [name, bytes] of files) {
  mkdirSync(dirname(join(import.meta.dirname, name)), { recursive: true })
  writeFileSync(join(import.meta.dirname, name), bytes)
  size += bytes.length
}
console.log(`${files.size} files, ${size} bytes`)
