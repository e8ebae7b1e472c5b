/**
 * The changelog at a release.
 *
 *     node scripts/changelog.js          # `npm version` calls it: [Unreleased] becomes the version of package.json, with today's date
 *     node scripts/changelog.js --notes  # prints the section of that version, for the release page
 *
 * Exits 1 where the section is missing or empty; nothing is written then.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const text = readFileSync('CHANGELOG.md', 'utf8');
const notes = process.argv.includes('--notes');
const heading = notes ? `## [${version}]` : '## [Unreleased]';

const start = text.split('\n').findIndex((line) => line.startsWith(heading));
const lines = text.split('\n').slice(start + 1);
const next = lines.findIndex((line) => line.startsWith('## '));
const section = lines
  .slice(0, next < 0 ? undefined : next)
  .join('\n')
  .trim();

if (start < 0 || section === '') {
  console.error(
    `changelog: expected a section "${heading}" with entries in CHANGELOG.md: write what the release changes`,
  );
  process.exit(1);
}
if (notes) console.log(section);
else {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync('CHANGELOG.md', text.replace(heading, `${heading}\n\n## [${version}] - ${date}`));
}
