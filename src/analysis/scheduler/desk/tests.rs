//! The rules of single flight, and who is asked instead of whom.

use super::*;

fn wish(photo: u32, access: Access, waiter: Option<Waiter>) -> Wish {
    Wish {
        photo: PhotoId(photo),
        access,
        waiter,
        again: false,
    }
}

/// Without servers.
fn alone() -> Desk {
    Desk::new(vec![Lane::default()])
}

const CONTENT: ContentHash = ContentHash([7; 32]);

fn asked(desk: &Desk, photo: u32, access: Access) -> mpsc::UnboundedReceiver<(PhotoId, Ended)> {
    let (tell, told) = mpsc::unbounded_channel();
    assert!(desk.ask(HERE, wish(photo, access, Some(tell)), || true));
    told
}

fn follower(photo: u32) -> Follower {
    Follower {
        photo: PhotoId(photo),
        stat: FileStat::default(),
    }
}

#[test]
fn a_running_photo_is_not_queued_again_but_may_be_wanted_more() {
    let desk = alone();
    desk.ask_listing(HERE, RoaringBitmap::from_iter([1]), Access::Listed);
    assert_eq!(desk.take(), Some((HERE, PhotoId(1))));
    desk.ask_listing(HERE, RoaringBitmap::from_iter([1]), Access::Listed);
    let mut told = asked(&desk, 1, Access::Asked);
    assert_eq!(desk.access(HERE, PhotoId(1)), Access::Asked);
    assert_eq!(
        (desk.counts(HERE).waiting.total(), desk.counts(HERE).running),
        (0, 1)
    );
    desk.tell(HERE, PhotoId(1), Verdict::Copied);
    assert_eq!(told.try_recv(), Ok((PhotoId(1), Ended::Analyzed)));
    assert_eq!(
        (desk.counts(HERE).running, desk.counts(HERE).copies),
        (0, 1)
    );
}

#[test]
fn one_photo_leads_its_content_and_the_others_follow() {
    let desk = alone();
    assert!(desk.claim(HERE, CONTENT, follower(1)));
    assert!(!desk.claim(HERE, CONTENT, follower(2)));
    assert!(!desk.claim(HERE, CONTENT, follower(3)));
    assert_eq!(desk.release(HERE, CONTENT), [follower(2), follower(3)]);
    assert!(desk.claim(HERE, CONTENT, follower(4)));
}

#[test]
fn stopping_ends_the_waiting_for_what_has_not_started() {
    let desk = alone();
    let mut first = asked(&desk, 1, Access::Asked);
    let mut second = asked(&desk, 2, Access::Asked);
    assert_eq!(desk.take(), Some((HERE, PhotoId(1))));
    desk.stop();
    assert_eq!(second.try_recv(), Ok((PhotoId(2), Ended::Skipped)));
    assert!(first.try_recv().is_err());
    assert_eq!(desk.take(), None);
    assert!(!desk.ask(HERE, wish(3, Access::Asked, None), || true));
    desk.tell(HERE, PhotoId(1), Verdict::Analyzed);
    assert_eq!(first.try_recv(), Ok((PhotoId(1), Ended::Analyzed)));
}

#[test]
fn what_is_not_pending_is_not_queued() {
    let desk = alone();
    assert!(!desk.ask(HERE, wish(1, Access::Asked, None), || false));
    assert_eq!(desk.counts(HERE), Counts::default());
}
/// A desk with two servers, started by these accesses.
fn servers(first: Access, second: Access) -> Desk {
    let lane = |on| Lane {
        on,
        room: Some(2),
        ..Lane::default()
    };
    Desk::new(vec![Lane::default(), lane(first), lane(second)])
}

fn declined() -> Verdict {
    Verdict::Declined {
        refused: true,
        reason: "no".into(),
    }
}

/// Takes what a worker would, and ends it like this.
fn work(desk: &Desk, verdict: Verdict) -> (usize, u32) {
    let (lane, photo) = desk.take().unwrap();
    desk.done(lane);
    desk.tell(lane, photo, verdict);
    (lane, photo.0)
}

#[test]
fn the_next_server_is_asked_where_one_has_no_answer() {
    let desk = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    let lane = desk.server_for(PhotoId(7), Access::Asked).unwrap();
    assert!(desk.ask(lane, wish(7, Access::Asked, Some(tell)), || true));
    assert_eq!(work(&desk, declined()), (1, 7));
    assert!(told.try_recv().is_err());
    assert_eq!(work(&desk, Verdict::Analyzed), (2, 7));
    assert_eq!(told.try_recv(), Ok((PhotoId(7), Ended::Analyzed)));
    assert_eq!(desk.server_for(PhotoId(7), Access::Asked), None);
}

#[test]
fn who_waits_is_told_when_nobody_is_left_to_ask() {
    let desk = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    desk.ask(1, wish(7, Access::Asked, Some(tell)), || true);
    work(&desk, declined());
    work(&desk, declined());
    assert_eq!(
        told.try_recv(),
        Ok((PhotoId(7), Ended::Refused("no".into())))
    );
}

#[test]
fn a_server_is_started_by_its_access_and_a_better_one_may_follow() {
    let desk = servers(Access::Asked, Access::Listed);
    assert_eq!(desk.server_for(PhotoId(7), Access::Listed), Some(2));
    assert_eq!(desk.server_for(PhotoId(7), Access::Asked), Some(1));
    desk.ask(2, wish(7, Access::Listed, None), || true);
    work(&desk, Verdict::Analyzed);
    assert_eq!(desk.server_for(PhotoId(7), Access::Listed), None);
    assert_eq!(desk.server_for(PhotoId(7), Access::Asked), Some(1));
    desk.forget(&RoaringBitmap::from_iter([7]));
    assert_eq!(desk.server_for(PhotoId(7), Access::Listed), Some(2));
}

#[test]
fn a_server_that_is_down_is_passed_over_and_who_waits_goes_on() {
    let desk = servers(Access::Asked, Access::Asked);
    let (tell, mut told) = mpsc::unbounded_channel();
    desk.ask(1, wish(7, Access::Asked, Some(tell)), || true);
    let until = Instant::now() + std::time::Duration::from_secs(60);
    desk.give_up(1, "gone", until);
    assert_eq!(desk.server_for(PhotoId(8), Access::Asked), Some(2));
    assert_eq!(work(&desk, Verdict::Analyzed), (2, 7));
    assert_eq!(told.try_recv(), Ok((PhotoId(7), Ended::Analyzed)));
    let (tell, mut told) = mpsc::unbounded_channel();
    desk.ask(2, wish(9, Access::Asked, Some(tell)), || true);
    desk.give_up(2, "gone too", until);
    assert_eq!(
        told.try_recv(),
        Ok((PhotoId(9), Ended::Failed("gone too".into())))
    );
    assert_eq!(desk.server_for(PhotoId(8), Access::Asked), Some(1));
    assert!(desk.recovered(1) && !desk.recovered(1));
}

#[test]
fn no_more_is_made_ready_than_a_server_takes_and_the_rest_is_done_here() {
    let desk = servers(Access::Listed, Access::Asked);
    let photos = RoaringBitmap::from_iter(1..=4);
    desk.ask_listing(1, photos.clone(), Access::Listed);
    desk.ask_listing(HERE, photos, Access::Listed);
    let lanes: Vec<_> = (0..4).map(|_| desk.take().unwrap().0).collect();
    assert_eq!(lanes, [1, 1, HERE, HERE]);
    desk.ask(HERE, wish(9, Access::Asked, None), || true);
    desk.done(1);
    assert_eq!(desk.take(), Some((HERE, PhotoId(9))));
    assert_eq!(desk.take().map(|(lane, _)| lane), Some(1));
}
