import assert from 'node:assert/strict'
import { subjectDer, subjectFault, subjectMember, type Subject } from '../../src/ca/index.ts'

const SUBJECT: Subject = { country: 'CH', state: 'Bern', organization: 'Acme', commonName: 'Acme root' }

describe('ca/subject', () => {
  it('writes attributes in one order, whatever order they are given in', () => {
    const { country, state, organization, commonName } = SUBJECT
    const turned: Subject = { commonName, organization, unit: 'Build', locality: 'Thun', state, country }
    const straight: Subject = { ...SUBJECT, locality: 'Thun', unit: 'Build' }
    assert.deepEqual(subjectDer(turned), subjectDer(straight))
  })

  it('writes the DER of RFC 5280, country printable and the rest UTF-8', () => {
    const country = '310b3009060355040613024348'
    const state = '310d300b06035504080c044265726e'
    const organization = '310c300a060355040a0c0342c3bc'
    const commonName = '310a300806035504030c0178'
    const der = subjectDer({ ...SUBJECT, organization: 'Bü', commonName: 'x' })
    assert.equal(der.toString('hex'), `3036${country}${state}${organization}${commonName}`)
  })

  it('knows the attributes that a name may have', () => {
    assert.equal(subjectMember('2.5.4.3'), 'commonName')
    assert.equal(subjectMember('2.5.4.5'), undefined)
  })

  it('takes letters of any script up to the bound', () => {
    assert.equal(subjectFault({ ...SUBJECT, commonName: '株式会社 Ä' }), undefined)
    assert.equal(subjectFault({ ...SUBJECT, commonName: '😀'.repeat(64) }), undefined)
  })

  for (const [what, change] of [
    ['an empty value', { organization: '' }],
    ['a value of spaces', { organization: '  ' }],
    ['space at an edge', { state: 'Bern ' }],
    ['a line feed', { commonName: 'a\nb' }],
    ['a NUL', { commonName: 'a\0b' }],
    ['a mark that reorders the line', { commonName: 'a\u202eb' }],
    ['a space of no width', { commonName: 'a\u200bb' }],
    ['a space that does not break', { commonName: 'a\u00a0b' }],
    ['a lone surrogate', { commonName: 'a\ud800' }],
    ['a country in small letters', { country: 'ch' }],
    ['a country of three letters', { country: 'CHE' }],
    ['a common name that is too long', { commonName: 'x'.repeat(65) }],
  ] as const)
    it(`refuses ${what}`, () => {
      const subject = { ...SUBJECT, ...change }
      assert.notEqual(subjectFault(subject), undefined)
      assert.throws(() => subjectDer(subject), RangeError)
    })
})
