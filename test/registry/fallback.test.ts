import assert from 'node:assert/strict'
import { fallbackTag, OCI_INDEX } from '../../src/oci/index.ts'
import { index, manifest, randomBlob } from '../contract/content.ts'
import { fault } from '../fault.ts'
import { clientOf, Opened, scripted } from './scripted.ts'

describe('registry/fallback', () => {
  const opened = new Opened()
  afterEach(() => opened.close())

  it('comes to rest before it tells why it can not settle', async () => {
    const [denied, slow] = [manifest(randomBlob(8)), manifest(randomBlob(9))] as const
    const referrer = manifest(randomBlob(10), { subject: denied.descriptor })
    const listed = { headers: { 'content-type': OCI_INDEX }, body: index(referrer).bytes }
    const begun = Promise.withResolvers<void>()
    let settling = false
    let underWay = 0
    const at = ({ descriptor }: typeof denied): string => `GET /v2/a/b/manifests/${fallbackTag(descriptor.digest)}`
    const fake = await opened.add(
      scripted({
        [at(denied)]: async () => {
          if (!settling) return listed
          await begun.promise
          return { status: 403 }
        },
        [at(slow)]: async () => {
          if (!settling) return listed
          underWay++
          begun.resolve()
          await new Promise((resolve) => setTimeout(resolve, 100))
          underWay--
          return listed
        },
      }),
    )
    const target = (await opened.add(clientOf('target'))).targetPlace(fake.host).repository('a/b')
    for (const { descriptor } of [denied, slow]) await target.listReferrers(descriptor, [referrer.descriptor])
    settling = true
    await assert.rejects(target.settleReferrers(1), fault('REGISTRY_DENIED'))
    assert.equal(underWay, 0)
  })
})
