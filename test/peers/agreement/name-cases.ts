/** Names of signers as certificates write them, against names as policies write them. */
import { accept, type AgreementCase, refuse } from './case.ts'
import type { World } from './world.ts'

/** A leaf with this subject, as openssl writes it, and a policy that trusts this identity alone. */
function by(subject: string, identity: string): AgreementCase['build'] {
  return async (world: World) => {
    const signer = await world.leafWith({ subject })
    return world.signed({ signer, trust: { statements: [{ identities: [`x509.subject: ${identity}`] }] } })
  }
}

const ACME = 'C=US, ST=WA, O=acme'
const HEXADECIMAL =
  'Trust policy, trusted identities: "The `trustedIdentities` list items MUST support a full and partial list of all the attribute types present in subject DN of x509 certificate." notation prints the subject of such a leaf with the value in hexadecimal, and refuses that form as it refuses it in policies.'

export const NAME_CASES: readonly AgreementCase[] = [
  accept('name: a comma', by('/C=US/ST=WA/O=a, b/CN=x', 'C=US, ST=WA, O=a\\, b')),
  accept('name: a plus', by('/C=US/ST=WA/O=a\\+b/CN=x', 'C=US, ST=WA, O=a\\+b')),
  accept('name: a semicolon', by('/C=US/ST=WA/O=a;b/CN=x', 'C=US, ST=WA, O=a\\;b')),
  accept('name: a backslash', by('/C=US/ST=WA/O=a\\\\b/CN=x', 'C=US, ST=WA, O=a\\\\b')),
  accept('name: quotes', by('/C=US/ST=WA/O=a"b"/CN=x', 'C=US, ST=WA, O=a\\"b\\"')),
  accept('name: an equals sign', by('/C=US/ST=WA/O=a=b/CN=x', 'C=US, ST=WA, O=a=b')),
  accept('name: angle brackets', by('/C=US/ST=WA/O=a<b>/CN=x', 'C=US, ST=WA, O=a\\<b\\>')),
  accept('name: a slash', by('/C=US/ST=WA/O=a\\/b/CN=x', 'C=US, ST=WA, O=a/b')),
  accept('name: a space within', by('/C=US/ST=WA/O=a b/CN=x', 'C=US, ST=WA, O=a b')),
  accept('name: in Cyrillic', by('/C=RU/ST=MOW/O=Склад/CN=x', 'C=RU, ST=MOW, O=Склад')),
  accept(
    'name: in Cyrillic, by hexadecimal pairs',
    by('/C=RU/ST=MOW/O=Склад/CN=x', 'C=RU, ST=MOW, O=\\D0\\A1\\D0\\BA\\D0\\BB\\D0\\B0\\D0\\B4'),
  ),
  accept(
    'name: with street, place and code',
    by('/C=US/ST=WA/O=acme/street=Pier 1/postalCode=98101/CN=x', `${ACME}, STREET=Pier 1, POSTALCODE=98101`),
  ),
  accept('name: with a serial number', by('/C=US/ST=WA/O=acme/serialNumber=7/CN=x', `${ACME}, SERIALNUMBER=7`)),
  refuse(
    'name: another serial number',
    'IDENTITY_UNTRUSTED',
    by('/C=US/ST=WA/O=acme/serialNumber=7/CN=x', `${ACME}, SERIALNUMBER=8`),
  ),
  refuse(
    'name: the same letters, composed otherwise',
    'IDENTITY_UNTRUSTED',
    by('/C=US/ST=WA/O=Caf\u00e9/CN=x', 'C=US, ST=WA, O=Cafe\u0301'),
  ),
  refuse('name: a longer name that begins alike', 'IDENTITY_UNTRUSTED', by('/C=US/ST=WA/O=acme evil/CN=x', ACME)),
  refuse('name: the wanted name within another', 'IDENTITY_UNTRUSTED', by('/C=US/ST=WA/O=evil/CN=x, O=acme', ACME)),
  refuse('name: the wanted name as the unit', 'IDENTITY_UNTRUSTED', by('/C=US/ST=WA/O=evil/OU=acme/CN=x', ACME)),
  refuse(
    'name: two organizations, the wanted one first',
    'IDENTITY_UNTRUSTED',
    by('/C=US/ST=WA/O=acme/O=evil/CN=x', ACME),
  ),
  refuse(
    'name: two organizations, the wanted one last',
    'IDENTITY_UNTRUSTED',
    by('/C=US/ST=WA/O=evil/O=acme/CN=x', ACME),
  ),
  accept('name: a mail address in the subject', by('/C=US/ST=WA/O=acme/emailAddress=a@b.example', ACME), HEXADECIMAL),
  accept('name: a domain component in the subject', by('/DC=example/C=US/ST=WA/O=acme', ACME), HEXADECIMAL),
  refuse(
    'name: two domain components in the subject',
    'IDENTITY_UNTRUSTED',
    by('/DC=example/DC=acme/C=US/ST=WA/O=acme', ACME),
  ),
  refuse(
    'name: two units, one wanted',
    'IDENTITY_UNTRUSTED',
    by('/C=US/ST=WA/O=acme/OU=build/OU=release', `${ACME}, OU=build`),
  ),
  refuse(
    'name: two names in one element',
    'IDENTITY_UNTRUSTED',
    by('/C=US/ST=WA/O=acme+OU=build/CN=x', ACME),
    'Trust policy, trusted identities: "The RDN consists of an attribute type name followed by an equal sign and the string representation of the corresponding attribute value." An element of two is no such name. Go takes it apart before notation sees it.',
  ),
  refuse('name: no organization', 'IDENTITY_UNTRUSTED', by('/C=US/ST=WA/CN=acme', ACME)),
  refuse('name: a value that looks hexadecimal', 'IDENTITY_UNTRUSTED', by('/C=US/ST=WA/O=#0c0461636d65/CN=x', ACME)),
]
