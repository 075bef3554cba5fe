using System.Net;

using OrleansInference.EndToEnd.Tests.Programs;
using OrleansInference.EndToEnd.Tests.Protocol;

namespace OrleansInference.EndToEnd.Tests;

/// <summary>Networks that take more than tensors, give more than tuples, or remember, from the verifying process to the answer.</summary>
public sealed class TorchScriptTests
{
    [Fact]
    public async Task Numbers_go_in_a_dict_comes_out_a_counter_counts_and_a_file_alone_is_told_what_it_lacks()
    {
        using var repository = new TemporaryFolder();
        TorchScriptArchive.Write(Path.Combine(repository.Path, "dict", "1", "model.pt"), """
            def forward(self, x: Tensor, factor: int, offset: float=0.5) -> Dict[str, Tensor]:
              return {"scaled": torch.mul(x, factor), "moved": torch.add(x, offset)}
            """);
        repository.Write("dict/config.json", """
            {
              "input": [ { "name": "factor", "data_type": "TYPE_INT32", "dims": [] }, { "name": "x", "data_type": "TYPE_FP32" } ],
              "output": [ { "name": "moved", "data_type": "TYPE_FP32" }, { "name": "scaled", "data_type": "TYPE_FP32" } ]
            }
            """);
        TorchScriptArchive.Write(
            Path.Combine(repository.Path, "counter", "1", "model.pt"),
            """
            def forward(self: __torch__.Identity, x: Tensor) -> Tensor:
              self.count = torch.add(self.count, 1)
              return torch.add(x, self.count)
            """,
            counters: ["count"]);
        repository.Write("counter/config.json", """
            {
              "max_batch_size": 8, "dynamic_batching": {},
              "input": [ { "name": "INPUT0", "data_type": "TYPE_FP32", "dims": [1] } ],
              "output": [ { "name": "OUTPUT0", "data_type": "TYPE_FP32", "dims": [1] } ]
            }
            """);
        TorchScriptArchive.Write(Path.Combine(repository.Path, "alone", "1", "model.pt"), "def forward(self, x: Tensor) -> Tensor:\n  return x");

        await using var service = await Service.StartSiloAsync(repository.Path);

        var answer = await ScaleAsync("[]", "3");
        answer.AssertOk();
        Assert.Equal([6f, 9], answer.Numbers<float>("scaled"));
        Assert.Equal([2.5f, 3.5f], answer.Numbers<float>("moved"));
        Assert.Equal(HttpStatusCode.BadRequest, (await ScaleAsync("[1]", "3")).Status);
        var counted = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => service.Api.InferNumberAsync("counter", 0)));
        Assert.Equal(Enumerable.Range(1, 10).Select(number => (float)number), counted.Select(count => count.Number).Order());
        var (state, reason) = (await service.Api.GetIndexAsync())["alone"];
        Assert.Equal("UNAVAILABLE", state);
        Assert.Contains("\"input\": [{\"name\": \"x\", \"data_type\": \"TYPE_FP32\"}]", reason, StringComparison.Ordinal);

        Task<Answer> ScaleAsync(string shape, string factor) => service.Api.InferJsonAsync("dict", $$"""
            { "inputs": [
              { "name": "x", "datatype": "FP32", "shape": [2], "data": [2, 3] },
              { "name": "factor", "datatype": "INT32", "shape": {{shape}}, "data": [{{factor}}] } ] }
            """);
    }
}
