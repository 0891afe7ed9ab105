/*
 * How a conversation is written in bytes, for the session store.
 *
 *   version 3, state | near << 6 | expired << 7, reply, language, step, reached,
 *   hush | moved_by_answer << 2 | text << 3 | times << 4 | doubt << 5 | candidates << 6 | more << 7,
 *   fruitless, recent.count (2), saved_min (4), fingerprint (8);  fruitless: fruitless_s (4);
 *   text: text_id (6), text_s (4);  times: recent.horizon_s (4), moved_s (4);
 *   doubt: doubt (2);  candidates: candidate_count;  more: answer_count, which is step without it;
 *   recent.count ids (6 each), with times and how long behind the horizon they were sent (2);
 *   open, COMPLETE: answers and candidates, each length (1) and bytes;  COMPLETE: completed_s (8);
 *   near: near | near_late << 4 (1), near_record (32);  ASKED: near_shown_s (4);  near, FINISHED: the code, length (1) and bytes
 */
#ifndef FLOW_CODEC_H
#define FLOW_CODEC_H

#define VERSION 3
#define STATE_AT 1
#define STATE_BITS 0x3f
#define NEAR_BIT 0x40
#define EXPIRED_BIT 0x80
#define NEAR_LATE_BIT 0x10
#define HUSH_BITS 0x03
#define BY_ANSWER_BIT 0x04
#define TEXT_BIT 0x08
#define TIMES_BIT 0x10
#define DOUBT_BIT 0x20
#define CANDIDATES_BIT 0x40
#define MORE_BIT 0x80 /* answers than step: one is being corrected */
#define HEAD_SIZE 10
#define ID_SIZE 6
#define COUNT_SIZE 2
#define TIME_SIZE 4
#define MINUTE_SIZE 4
#define LONG_SIZE 8
/* An answer's length mostly fits in a byte or is told in two. */
#define LONG_ANSWER 255

#endif
