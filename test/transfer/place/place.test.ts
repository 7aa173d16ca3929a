import assert from 'node:assert/strict'
import { openPlace } from '../../../src/transfer/place/place.ts'
import { fault } from '../../fault.ts'

describe('transfer/place/place', () => {
  it('refuses a layout without a name: the folder that one stands in would be filled', () => {
    assert.throws(() => openPlace('oci:', {}), fault('REFERENCE_INVALID', 'oci:'))
  })
})
