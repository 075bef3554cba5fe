namespace OrleansInference.Engine.Tests.Repository.Triton;

/// <summary>Fields that Triton has and this server does not serve, in either file.</summary>
public sealed class UnservedFieldTests : IDisposable
{
    private const string Tensors =
        """
        "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
        "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [2]}]
        """;

    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"sequence_batching\": {}", "sequence_batching: {} is not supported: the requests of a sequence are not kept together")]
    [InlineData("\"response_cache\": {\"enable\": true}", "response_cache.enable: true is not supported: responses are not cached")]
    [InlineData("\"optimization\": {\"execution_accelerators\": {\"gpu_execution_accelerator\": []}}", "optimization.execution_accelerators: ")]
    [InlineData("\"batch_input\": [{}]", "batch_input: [{}] is not supported: ")]
    [InlineData("\"model_operations\": {\"op_library_filename\": [\"x.so\"]}", "model_operations.op_library_filename: [\"x.so\"] is not supported: ")]
    [InlineData("\"model_repository_agents\": {\"agents\": [{\"name\": \"checksum\"}]}", "model_repository_agents.agents: ")]
    [InlineData("\"instance_group\": [{\"count\": 1}, {\"passive\": true}]", "instance_group[1].passive: true is not supported: ")]
    [InlineData("\"model_transaction_policy\": {\"decoupled\": true}", "iteration: is missing")]
    public void What_changes_the_answers_is_an_error(string field, string error) => _folder.AssertError(error, $"{field}, {Tensors}");

    [Theory]
    [InlineData("\"optional\": true", "input[0].optional: true is not supported: every request must send all inputs")]
    [InlineData("\"allow_ragged_batch\": true", "input[0].allow_ragged_batch: true is not supported: ")]
    [InlineData("\"is_shape_tensor\": true", "input[0].is_shape_tensor: true is not supported: ")]
    [InlineData("\"shape\": [1]", "input[0].shape: unknown or unsupported field with value [1]")]
    public void So_it_is_of_an_input(string field, string error) =>
        _folder.AssertError(error, Tensors.Replace("\"dims\": [2]}],", $"\"dims\": [2], {field}}}],", StringComparison.Ordinal));

    [Theory]
    [InlineData("\"instance_group\": [{\"name\": \"mine\"}]", "instance_group[0].name: \"mine\" has no effect here")]
    [InlineData("\"optimization\": {\"graph\": {\"level\":1}}", "optimization.graph: {\"level\":1} has no effect here")]
    [InlineData("\"metric_tags\": {\"a\":\"b\"}", "metric_tags: {\"a\":\"b\"} has no effect here")]
    [InlineData("\"runtime\": \"x.so\"", "runtime: \"x.so\" has no effect here")]
    [InlineData("\"cc_model_filenames\": {\"7.5\":\"x.pt\"}", "cc_model_filenames: {\"7.5\":\"x.pt\"} has no effect here")]
    public void What_does_not_change_them_is_a_warning(string field, string warning) =>
        Assert.Equal([warning], _folder.Sound($"{field}, {Tensors}").Warnings);

    [Theory]
    [InlineData("\"response_cache\": {\"enable\": false}")]
    [InlineData("\"batch_input\": []")]
    [InlineData("\"optimization\": {\"eager_batching\": false, \"priority\": \"PRIORITY_DEFAULT\"}")]
    [InlineData("\"instance_group\": [{\"passive\": false, \"name\": \"\"}]")]
    public void What_says_no_more_than_its_absence_is_neither(string field) => Assert.Empty(_folder.Sound($"{field}, {Tensors}").Warnings);

    [Theory]
    [InlineData("\"max_batch\": 4", "max_batch: unknown or unsupported field with value 4")]
    [InlineData("\"response_cache\": {\"size\": 4}", "response_cache.size: unknown or unsupported field with value 4")]
    [InlineData("\"response_cache\": true", "response_cache: unknown or unsupported field with value true")]
    [InlineData("\"optimization\": [{}]", "optimization: unknown or unsupported field with value [{}]")]
    public void What_Triton_does_not_have_is_an_error(string field, string error) => _folder.AssertError(error, $"{field}, {Tensors}");

    [Fact]
    public void All_of_them_are_told_at_once()
    {
        var errors = _folder.Errors($"\"sequence_batching\": {{}}, \"response_cache\": {{\"enable\": true}}, \"typo\": 1, \"runtime\": \"x\", {Tensors}");

        Assert.Equal(3, errors.Count);
    }
}
