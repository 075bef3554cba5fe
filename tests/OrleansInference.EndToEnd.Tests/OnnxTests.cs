using System.Net;

using OrleansInference.EndToEnd.Tests.Models;
using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>ONNX models beside those of TorchScript, in one silo.</summary>
public sealed class OnnxTests(OnnxTests.OnnxService onnx) : IClassFixture<OnnxTests.OnnxService>
{
    private InferenceApi Api => onnx.Silo.Api;

    [Fact]
    public async Task A_folder_with_nothing_but_the_file_answers()
    {
        var answer = await Api.InferJsonAsync(
            "sum",
            """
            { "inputs": [
              { "name": "a", "datatype": "FP32", "shape": [2, 2], "data": [1, 2, 3, 4] },
              { "name": "b", "datatype": "FP32", "shape": [2, 2], "data": [10, 20, 30, 40] } ] }
            """);

        Assert.Equal([11, 22, 33, 44], answer.Numbers<float>("sum"));
        Assert.Equal([2, 2], answer.Shape("sum"));
    }

    [Fact]
    public async Task What_the_file_tells_is_shown()
    {
        var metadata = await Api.GetAsync("/v2/models/sum");
        Assert.Equal("onnxruntime_onnx", metadata.Json.GetProperty("platform").GetString());
        Assert.Equal("[-1,2]", metadata.Json.GetProperty("inputs")[1].GetProperty("shape").GetRawText());

        var config = await Api.GetAsync("/v2/models/sum/config");
        Assert.Equal(32, config.Json.GetProperty("max_batch_size").GetInt32());
        Assert.Equal("TYPE_FP32", config.Json.GetProperty("output")[0].GetProperty("data_type").GetString());
    }

    [Fact]
    public async Task Strings_go_in_and_come_out()
    {
        var answer = await Api.InferJsonAsync(
            "words", """{ "inputs": [ { "name": "x", "datatype": "BYTES", "shape": [1, 3], "data": ["one", "", "drei € vier"] } ] }""");

        Assert.Equal(["one", "", "drei € vier"], answer.Strings("y"));
    }

    [Fact]
    public async Task Many_callers_at_once_each_get_their_own_answer()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Api.InferNumberAsync("negative", i)));

        Assert.Equal(Enumerable.Range(0, 64).Select(i => (float)-i), answers.Select(answer => answer.Number));
    }

    [Fact]
    public async Task An_ensemble_may_ask_both_runtimes()
    {
        var answer = await Api.InferNumbersAsync("both", [3, -5]);

        Assert.Equal([(3 * 3 - 3) / 2f, (3 * -5 + 5) / 2f], answer.Numbers<float>("OUTPUT0"));
    }

    [Fact]
    public async Task A_shape_that_the_file_does_not_take_is_the_callers_mistake()
    {
        var answer = await Api.InferJsonAsync(
            "negative", """{ "inputs": [ { "name": "INPUT0", "datatype": "FP32", "shape": [1, 2], "data": [1, 2] } ] }""");

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("Expected [-1,1], got [1,2]", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_cannot_be_served_are_listed_with_their_reasons()
    {
        var index = await Api.GetIndexAsync();

        foreach (var (model, reason) in onnx.Broken)
        {
            Assert.Equal("UNAVAILABLE", index[model].State);
            Assert.Contains(reason, index[model].Reason, StringComparison.Ordinal);
        }

        Assert.Equal(("READY", ""), index["sum"]);
    }

    public sealed class OnnxService : IAsyncLifetime
    {
        private readonly TemporaryFolder _repository = new();

        internal Service Silo { get; private set; } = null!;

        internal IReadOnlyDictionary<string, string> Broken { get; } = new Dictionary<string, string>
        {
            ["empty"] = "1/model.onnx is no ONNX model: the file is empty",
            ["cut"] = "1/model.onnx is no ONNX model: the file is cut short or damaged",
            ["unknown"] = "model.onnx cannot be loaded: This is an invalid model.",
        };

        public async ValueTask InitializeAsync()
        {
            OnnxFile.Write(
                PathOf("sum"),
                [new("a", OnnxFile.Float, [-1, 2]), new("b", OnnxFile.Float, [-1, 2])],
                [new("sum", OnnxFile.Float, [-1, 2])],
                [new("Add", ["a", "b"], ["sum"])]);
            OnnxFile.WriteIdentity(PathOf("words"), OnnxFile.Text, [-1, 3]);
            AddNumber("negative", "Neg");
            AddNumber("unknown", "NoSuchOperator");
            TestModels.AddLinear(_repository.Path, "triple", "3");
            TestModels.AddEnsemble(
                _repository.Path, "both", """ "ensemble": { "members": [ { "model_name": "triple" }, { "model_name": "negative" } ], "aggregate": "mean" } """);
            AddNumber("cut", "Neg");
            var whole = File.ReadAllBytes(PathOf("cut"));
            File.WriteAllBytes(PathOf("cut"), whole[..(whole.Length / 2)]);
            _repository.Write("empty/1/model.onnx", "");
            Silo = await Service.StartSiloAsync(_repository.Path);
        }

        public async ValueTask DisposeAsync()
        {
            await Silo.DisposeAsync();
            _repository.Dispose();
        }

        private void AddNumber(string model, string operation) => OnnxFile.Write(
            PathOf(model),
            [new("INPUT0", OnnxFile.Float, [-1, 1])],
            [new("OUTPUT0", OnnxFile.Float, [-1, 1])],
            [new(operation, ["INPUT0"], ["OUTPUT0"])]);

        private string PathOf(string model) => Path.Combine(_repository.Path, model, "1", "model.onnx");
    }
}
