using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Tests.Repository;

public sealed class BatchingReaderTests : IDisposable
{
    private readonly TemporaryFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Queue_policies_arrive_where_they_belong()
    {
        var batching = Sound(
            """
            "priority_levels": 3, "default_priority_level": 2,
            "default_queue_policy": {"max_queue_size": 7},
            "priority_queue_policy": {
              "1": {"default_timeout_microseconds": 1500, "timeout_action": "DELAY", "allow_timeout_override": true},
              "3": {"max_queue_size": 2, "timeout_action": "REJECT"}
            }
            """);

        Assert.Equal(new QueuePolicy(7), batching.DefaultPolicy);
        Assert.Equal(
            [new(1, new QueuePolicy(0, TimeSpan.FromMicroseconds(1500), IsDelayedOnTimeout: true)), new(3, new QueuePolicy(2))],
            batching.LevelPolicies.OrderBy(level => level.Key));
    }

    [Fact]
    public void Preserved_order_arrives_and_goes_with_a_single_level()
    {
        Assert.True(Sound("\"preserve_ordering\": true, \"priority_levels\": 1, \"default_priority_level\": 1").PreserveOrdering);
        Assert.False(Sound("\"preserve_ordering\": false, \"priority_levels\": 2, \"default_priority_level\": 1").PreserveOrdering);
    }

    [Theory]
    [InlineData("\"default_queue_policy\": {\"max_queue_size\": -1}", "default_queue_policy.max_queue_size: -1 is not an integer from 0")]
    [InlineData("\"default_queue_policy\": {\"default_timeout_microseconds\": 1.5}", "default_queue_policy.default_timeout_microseconds: 1.5")]
    [InlineData("\"default_queue_policy\": {\"timeout_action\": \"WAIT\"}", "default_queue_policy.timeout_action: \"WAIT\" is not one of REJECT, DELAY")]
    [InlineData("\"default_queue_policy\": {\"allow_timeout_override\": 1}", "default_queue_policy.allow_timeout_override: 1 is not true or false")]
    [InlineData("\"default_queue_policy\": {\"timeout\": 1}", "default_queue_policy.timeout: unknown")]
    [InlineData("\"priority_levels\": 257, \"default_priority_level\": 1", "priority_levels: 257 is not an integer from 0 to 256")]
    [InlineData("\"priority_queue_policy\": {\"1\": {}}", "priority_queue_policy.1: '1' is not one of the levels from 1 to priority_levels, which is 0")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"3\": {}}", "priority_queue_policy.3: '3' is not one of")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"low\": {}}", "'low' is not one of")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"1\": {}, \"01\": {}}", "'01' is not one of")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"1\": 5}", "priority_queue_policy.1: 5 is not an object")]
    [InlineData("\"priority_levels\": 2, \"default_priority_level\": 1, \"priority_queue_policy\": {\"1\": {\"size\": 5}}", "priority_queue_policy.1.size: unknown")]
    [InlineData("\"priority_queue_policy\": []", "priority_queue_policy: [] is not an object")]
    [InlineData("\"preserve_ordering\": \"yes\"", "preserve_ordering: \"yes\" is not true or false")]
    [InlineData("\"preserve_ordering\": true, \"priority_levels\": 2, \"default_priority_level\": 1", "preserve_ordering: true contradicts priority_levels 2")]
    [InlineData("\"preserve_ordering\": true, \"default_queue_policy\": {\"timeout_action\": \"DELAY\"}", "preserve_ordering: true contradicts timeout_action DELAY")]
    public void A_contradiction_is_named(string field, string expected) =>
        Assert.Contains(Read(field).Errors, error => error.Contains(expected, StringComparison.Ordinal));

    private DynamicBatching Sound(string fields)
    {
        var (config, errors) = Read(fields);
        Assert.Empty(errors);
        return config!.Batching;
    }

    private (ModelConfig? Config, IReadOnlyList<string> Errors) Read(string fields)
    {
        _repository.Write(
            "model/config.json",
            $$"""
            {
              "max_batch_size": 8,
              "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
              "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}],
              "dynamic_batching": { {{fields}} }
            }
            """);
        return ModelConfigReader.Read(Path.Combine(_repository.Path, "model"));
    }
}
