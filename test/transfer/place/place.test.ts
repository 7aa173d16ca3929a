import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, OCI_INDEX } from '../../../src/oci/index.ts'
import { openPlace, placeName } from '../../../src/transfer/place/place.ts'
import { scratch } from '../../content/scratch.ts'
import { fault } from '../../fault.ts'

function locksIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.startsWith('.sallyport-lock-'))
}

describe('transfer/place/place', () => {
  const fresh = scratch()

  it('names a place as one that is open names itself', async () => {
    for (const to of [`oci:${fresh('layout')}/../x/`, 'registry.site:5000/mirror', 'registry.site']) {
      const place = openPlace(to, {})
      assert.equal(placeName(to), place.name)
      await place.close()
    }
    assert.throws(() => placeName('no place'), fault('REFERENCE_INVALID'))
  })

  it('lets go of the quarantine although its layout can not be ended', async () => {
    const dir = fresh('layout')
    const place = openPlace(`oci:${dir}`, {})
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }))
    const descriptor = { mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length }
    for (const repository of [place.at('app'), place.quarantineAt(place.quarantinePath('app'))])
      await repository.pushManifest(descriptor, bytes)
    const quarantine = join(dir, '.sallyport-quarantine')
    assert.equal(locksIn(quarantine).length, 1)
    writeFileSync(join(dir, 'index.json'), '{')
    await assert.rejects(place.close(), fault('JSON_MALFORMED'))
    assert.deepEqual([...locksIn(quarantine), ...locksIn(dir)], [])
  })

  it('refuses a layout without a name: the folder that one stands in would be filled', () => {
    assert.throws(() => openPlace('oci:', {}), fault('REFERENCE_INVALID', 'oci:'))
  })
})
