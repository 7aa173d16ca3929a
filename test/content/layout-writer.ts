/** A process that writes images into a layout for ever; it is killed by the test. Says a line when a tag stands. */
import { argv, stdout } from 'node:process'
import { layoutTarget } from '../../src/content/index.ts'
import { manifest, pushImage, randomBlob } from '../contract/content.ts'

const target = layoutTarget(argv[2] ?? '').repository('kill/me')
for (let i = 0; ; i++) {
  const layer = randomBlob(200_000)
  const made = manifest(layer)
  await pushImage(target, layer, made)
  await target.tag(`v${i}`, made.descriptor, made.bytes)
  stdout.write(`v${i} ${made.descriptor.digest}\n`)
}
