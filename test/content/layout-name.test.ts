import assert from 'node:assert/strict'
import { isFallbackTag, localRepository, parseLayoutName } from '../../src/content/layout-name.ts'

const HEX = 'a'.repeat(64)

describe('content/layout-name', () => {
  const goodies: [string, ReturnType<typeof parseLayoutName>][] = [
    ['1.0', { tag: '1.0' }],
    [`sha256-${HEX}`, { tag: `sha256-${HEX}` }],
    ['registry.example/demo/app:1.0', { repository: 'registry.example/demo/app', tag: '1.0' }],
    ['registry:5000/app:v1', { repository: 'registry:5000/app', tag: 'v1' }],
    ['localhost/app:v1', { repository: 'localhost/app', tag: 'v1' }],
    ['registry.example/app', { repository: 'registry.example/app' }],
    [`registry.example/app:v1@sha256:${HEX}`, { repository: 'registry.example/app', tag: 'v1' }],
    ['alpine:3.20', { repository: 'local/alpine', tag: '3.20' }],
    ['mirror/app:v1', { repository: 'local/mirror/app', tag: 'v1' }],
    ['local/app:v1', { repository: 'local/app', tag: 'v1' }],
  ]
  for (const [text, name] of goodies) {
    it(`reads ${text}`, () => assert.deepEqual(parseLayoutName(text), name))
  }

  const uglies = [
    '',
    ':',
    '../../etc/passwd:x',
    'Upper/case:1',
    'a/b:',
    'a/b:bad tag',
    'a/b@sha256:12',
    '/a:1',
    'a//b:1',
  ]
  for (const text of [...uglies, 'x.example/:1', `a/b:${'t'.repeat(129)}`, 'a/b:1\n', 'host_name.example/a:1']) {
    it(`finds no name in ${JSON.stringify(text).slice(0, 40)}`, () => assert.equal(parseLayoutName(text), undefined))
  }

  it('bends the name of a folder to the grammar of repositories', () => {
    assert.equal(localRepository('My Layout (2)'), 'local/my-layout-2')
    assert.equal(localRepository('...'), 'local/layout')
  })

  it('tells fallback tags from signature tags', () => {
    assert.equal(isFallbackTag(`sha512-${HEX}`), true)
    assert.equal(isFallbackTag(`sha256-${HEX}.sig`), false)
  })
})
