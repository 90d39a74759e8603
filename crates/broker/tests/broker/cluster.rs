//! Three real servers that form a cluster.

use crate::support::{Client, binary};
use longhaul_broker::{Cluster, Durability};

#[tokio::test]
async fn one_of_three_may_be_killed_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(&binary(), dir.path(), 3, Durability::Relaxed).await.unwrap();
    let token = cluster.token().to_owned();
    let mut client = Client::connect(cluster.urls()[0], &token).await.unwrap();
    client.make_stream("THREE", "three", 3).await;
    client.publish("three", "first").await;

    cluster.servers[2].kill().await.unwrap();
    cluster.ready().await.unwrap();
    client.publish("three", "second").await;
    cluster.servers[2].restart().await.unwrap();
    cluster.ready().await.unwrap();

    for url in cluster.urls() {
        let mut client = Client::connect(url, &token).await.unwrap();
        client.wait_for_messages("THREE", 2).await;
    }

    // The same directories are the same cluster.
    let size = cluster.servers.len();
    cluster.stop().await.unwrap();
    let cluster = Cluster::start(&binary(), dir.path(), size, Durability::Relaxed).await.unwrap();
    assert_eq!(cluster.token(), token);
    let mut client = Client::connect(cluster.urls()[1], &token).await.unwrap();
    client.wait_for_messages("THREE", 2).await;
}
