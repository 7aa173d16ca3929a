/** What a person reads of a rotation. */
import type { ChannelRotateReport } from '../index.ts'
import { plain } from './show.ts'

const HEADS: Record<ChannelRotateReport['phase'], (root: string) => string> = {
  planned: (root) => `${root} could be made`,
  waiting: (root) => `${root} waits for signatures`,
  'in force': (root) => `${root} is in force`,
  abandoned: (root) => `${root} was taken back`,
}

function files(label: string, keys: ChannelRotateReport['made']): string[] {
  return keys.length === 0 ? [] : [`${label} ${keys.map(({ file }) => plain(file)).join(', ')}`]
}

/** What the new root says, for a person who decides about it. */
export function rotationLines(report: ChannelRotateReport): string[] {
  const { version, people, threshold, made, retired } = report
  return [
    `follows     root ${version - 1}, ${report.follows}`,
    `people      ${threshold} of ${people.map(plain).join(', ')} approve a bundle`,
    `expires     ${report.rootExpires}`,
    ...files('new keys   ', made),
    ...files('retired    ', retired),
  ]
}

export function rotateText(report: ChannelRotateReport, dir: string, dryRun: boolean): string[] {
  const { channel, purpose, phase, version, signed, missing, made, retired } = report
  const head = dryRun && phase === 'abandoned' ? `root ${version} would be taken back` : HEADS[phase](`root ${version}`)
  const lines = [`channel ${channel} (${purpose}): ${head}`]
  if (phase === 'abandoned') return lines
  lines.push(...rotationLines(report))
  if (phase === 'waiting' && signed !== null)
    lines.push(
      `signed      by ${signed.before.signed} of ${signed.before.threshold} root keys of version ${version - 1}, and by ${signed.own.signed} of ${signed.own.threshold} of its own`,
      `may sign    ${missing.map(plain).join(', ')}`,
      `Each runs: sallyport channel rotate --dir ${plain(dir)} --key root-NAME.pem`,
    )
  if (phase === 'in force')
    lines.push(
      `root        ${plain(report.root)}`,
      `fingerprint ${report.fingerprint}`,
      'Sites follow it with the next bundle; one that pins the channel from now on takes this root and fingerprint.',
      ...(report.countersBeginAgain === true
        ? ['They then begin to count anew, and take no head any more that only the old host keys signed.']
        : []),
      ...(made.some(({ role }) => role === 'root') ? ['Take the new root-*.pem keys offline now.'] : []),
      ...(retired.length > 0 ? ['Destroy the files of retired keys.'] : []),
    )
  return lines
}
