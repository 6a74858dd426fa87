"""What pages share: navigation, frame, URL state, controls, live components."""
