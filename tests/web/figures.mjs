// What GET /admin/stats says (server/admin/stats.h), made up: for what a test cannot make happen.

const STEPS = ["birth_year", "mother_birthplace", "first_name", "birth_day", "family_name"];
const TODAY = Date.UTC(2026, 10, 23);
const DAY = 86_400_000;

const bySteps = (values) => Object.fromEntries(STEPS.map((step, i) => [step, values[i]]));

const funnel = (people) => ({
  started: people,
  reached: bySteps([1, 0.92, 0.85, 0.83, 0.79].map((share) => Math.round(people * share))),
  wrong: bySteps([0.11, 0.03, 0.005, 0.06, 0.003].map((share) => Math.round(people * share))),
  not_known: bySteps([0.01, 0.02, 0, 0.005, 0].map((share) => Math.round(people * share))),
  asked_which: bySteps([0, 0, 0.03, 0, 0.05].map((share) => Math.round(people * share))),
  doubtful: bySteps([0.05, 0.08, 0.02, 0.03, 0.02].map((share) => Math.round(people * share))),
  corrected: bySteps([0.002, 0.01, 0, 0, 0.004].map((share) => Math.round(people * share))),
  read_back: Math.round(people * 0.15),
  finished: Math.round(people * 0.77),
  expired: Math.round(people * 0.17),
  stopped: Math.round(people * 0.02),
});

const emptyFunnel = () => ({
  started: 0, finished: 0, expired: 0, stopped: 0, read_back: 0,
  ...Object.fromEntries(["reached", "wrong", "not_known", "asked_which", "doubtful", "corrected"]
    .map((name) => [name, bySteps([0, 0, 0, 0, 0])])),
});

const dates = (days) => Array.from({ length: days }, (_, i) =>
  new Date(TODAY - (days - 1 - i) * DAY).toISOString().slice(0, 10));

// A programme that is well under way.
export function busy(days = 30) {
  const byDay = dates(days).map((date, i) => {
    const weekday = new Date(date).getUTCDay();
    const usual = weekday === 0 ? 42 : weekday === 6 ? 88 : 176;
    return { date, new: usual + ((i * 37) % 61), repeated: 6 + ((i * 11) % 23) };
  });
  byDay[byDay.length - 1] = { date: "2026-11-23", new: 143, repeated: 21 };
  return {
    as_of: "2026-11-23T16:00:00Z",
    time_zone: "Africa/Kinshasa",
    days,
    service: "Générateur de CIU WhatsApp",
    version: "0.1.0",
    uptime_seconds: 93_784,
    flow: { id: "ciu-rdc", version: 1, steps: STEPS, languages: ["fr", "en"] },
    totals: { codes: 12_847, requests: 14_231, repeated: 1_384, numbers: 2_163, possible_duplicates: 37 },
    today: { date: "2026-11-23", new: 143, repeated: 21 },
    by_day: byDay,
    active: { total: 37, by_step: bySteps([11, 9, 6, 7, 4]) },
    funnel: { today: funnel(180), period: funnel(180 * days) },
    languages: { today: { fr: 101, en: 15 }, period: { fr: 2_107, en: 217 } },
    replies: {
      today: { delivered: 912, read: 604, failed: 3 },
      period: { delivered: 21_480, read: 15_200, failed: 64 },
    },
    outbox: { length: 0, oldest_seconds: 0 },
    stores: { sessions: { kind: "redis", up: true }, records: { kind: "postgresql", up: true } },
    instances: [
      { id: "uic-1", version: "0.1.0", workers: 2, seen_seconds_ago: 1 },
      { id: "uic-2", version: "0.1.0", workers: 2, seen_seconds_ago: 12 },
    ],
  };
}

// The first day, before anybody wrote.
export function empty(days = 30) {
  return {
    ...busy(days),
    totals: { codes: 0, requests: 0, repeated: 0, numbers: 0, possible_duplicates: 0 },
    today: { date: "2026-11-23", new: 0, repeated: 0 },
    by_day: dates(days).map((date) => ({ date, new: 0, repeated: 0 })),
    active: { total: 0, by_step: bySteps([0, 0, 0, 0, 0]) },
    funnel: { today: emptyFunnel(), period: emptyFunnel() },
    languages: { today: {}, period: {} },
    replies: { today: { delivered: 0, read: 0, failed: 0 }, period: { delivered: 0, read: 0, failed: 0 } },
    outbox: null,
    stores: { sessions: { kind: "memory", up: true }, records: { kind: "sqlite", up: true } },
    instances: [],
  };
}

// The database is away: codes wait in the outbox, and nobody can count those that it holds.
export function withoutDatabase(days = 30) {
  return {
    ...busy(days),
    totals: { codes: null, requests: null, repeated: null, numbers: null, possible_duplicates: null },
    today: { date: "2026-11-23", new: null, repeated: null },
    by_day: dates(days).map((date) => ({ date, new: null, repeated: null })),
    outbox: { length: 212, oldest_seconds: 400 },
    stores: { sessions: { kind: "redis", up: true }, records: { kind: "postgresql", up: false } },
  };
}

// Redis is away: nobody knows how conversations go.
export function withoutRedis(days = 30) {
  return {
    ...busy(days),
    active: null,
    funnel: null,
    languages: null,
    replies: null,
    instances: null,
    outbox: null,
    stores: { sessions: { kind: "redis", up: false }, records: { kind: "postgresql", up: true } },
  };
}
