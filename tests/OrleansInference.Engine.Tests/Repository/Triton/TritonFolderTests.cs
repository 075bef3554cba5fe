using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Repository.Triton;

/// <summary>Model folders whose configuration is Triton's file.</summary>
public sealed class TritonFolderTests : IDisposable
{
    private const string Tensors =
        """
        input { name: "INPUT__0" data_type: TYPE_FP32 dims: [ 2 ] }
        output { name: "OUTPUT__0" data_type: TYPE_FP32 dims: [ 2 ] }
        """;

    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_folder_with_it_is_read()
    {
        Add("""platform: "pytorch_libtorch" max_batch_size: 4 dynamic_batching { } version_policy: { latest { num_versions: 2 }} """ + Tensors, 1, 2, 3);

        var repository = Open();

        Assert.Equal([2, 3], repository.Publications.Select(publication => publication.Id.Version));
        var version = repository.Find(new("model", 3))!;
        Assert.Equal((4, true), (version.Config.MaxBatchSize, version.Config.Batching.Enabled));
        Assert.Equal(("INPUT__0", DataType.Float32), (version.Signature.Inputs[0].Name, version.Signature.Inputs[0].DataType));
        Assert.StartsWith("{\"platform\":\"pytorch_libtorch\",", version.Descriptor.Configuration, StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_no_effect_is_a_warning()
    {
        Add("metric_tags { key: 'a' value: 'b' } " + Tensors, 1);

        Assert.Equal(["metric_tags: {\"a\":\"b\"} has no effect here"], Open().Find(new("model", 1))!.Config.Warnings);
    }

    [Theory]
    [InlineData("max_batch_size 4", "config.pbtxt:1:16: expected ':' or '{', but found '4'")]
    [InlineData("max_batch_size: -1", "config.pbtxt: max_batch_size: -1 is not an integer from 0 to 65536")]
    [InlineData("name: 'other'", "config.pbtxt: name: 'other' is not the name of the model's folder, 'model'")]
    [InlineData("sequence_batching { direct { } }", "config.pbtxt: sequence_batching: {\"direct\":{}} is not supported: ")]
    [InlineData("instance_group [ { count: -2 kind: KIND_CPU } ]", "config.pbtxt: instance_group[0].count: -2 is not an integer from 1 to 1024")]
    [InlineData("preprocessing { }", "config.pbtxt:1:1: 'preprocessing' is no field of this message")]
    [InlineData("backend: 'tensorrt'", "config.pbtxt: backend: \"tensorrt\" is not one of onnxruntime, pytorch")]
    public void A_mistake_makes_the_model_unavailable_with_the_files_name(string field, string reason)
    {
        Add($"{field}\n{Tensors}", 1);

        var publication = Assert.Single(Open().Publications);

        Assert.Equal(new("model", 1), publication.Id);
        Assert.StartsWith(reason, publication.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Both_files_contradict_each_other()
    {
        Add(Tensors, 1);
        _root.Write("model/config.json", "{}");

        Assert.Equal(
            "there are both config.json and config.pbtxt, and nobody knows which of them counts: remove one",
            Assert.Single(Open().Publications).Reason);
    }

    [Fact]
    public void An_empty_file_of_a_TorchScript_model_lacks_its_tensors()
    {
        Add("# nothing", 1);

        Assert.Equal("config.pbtxt: input: a model needs at least one input; output: a model needs at least one output", Assert.Single(Open().Publications).Reason);
    }

    private FileModelRepository Open() => new([_root.Path]);

    private void Add(string config, params int[] versions)
    {
        _root.Write("model/config.pbtxt", config);
        foreach (var version in versions) _root.Write($"model/{version}/model.pt", "");
    }
}
