/** How long it takes to say hardly anything. */
import type { Row } from './contest.ts'
import { Failed } from './measure.ts'
import type { Site } from './site.ts'

const SECONDS = 'seconds'

export function startRow(site: Site, flag: '--version' | '--help'): Row {
  return {
    key: `start${flag.slice(1)}`,
    title: `sallyport ${flag}`,
    contenders: [
      {
        name: `sallyport ${flag}`,
        prepare: () => Promise.resolve(site.sallyport([flag])),
        check({ stdout, seconds }) {
          if (stdout.trim() === '') throw new Failed('it said nothing')
          return { [SECONDS]: seconds }
        },
      },
    ],
    bars: [{ against: [SECONDS], must: 0.12, record: 0.12 }],
    cold: [],
    rounds: 10,
  }
}
