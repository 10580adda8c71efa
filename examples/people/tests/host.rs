//! Checks what the host adds to the service: settings, authentication, limits and shutdown.

host_common::host_tests! {
    env!("CARGO_BIN_EXE_people-host"), host_common::testing::SQLITE;
    requests_without_the_token_get_401
    the_printed_curl_line_works
    a_body_that_is_too_large_gets_413
    all_paths_below_the_mount_path_reach_the_service
    responses_use_the_configured_base_url
    invalid_settings_end_the_host_with_exit_code_2
    other_machines_can_connect_behind_a_proxy
    the_profile_sets_the_tolerated_deviations
    a_protocol_upgrade_is_ignored
    the_body_of_a_request_with_an_upgrade_is_read
    expensive_patches_are_limited
    signals_stop_the_host
}
