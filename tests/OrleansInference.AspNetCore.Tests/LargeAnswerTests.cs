using System.Text.Json;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Answers that are larger than what a connection should hold.</summary>
public sealed class LargeAnswerTests
{
    private const int Elements = 50_000;
    private const long Allowed = 512 * 1024;

    public static TheoryData<InferenceTensor> Large => new()
    {
        InferenceTensor.Create("OUTPUT0", Enumerable.Range(0, 4 * Elements).Select(number => 1.0 / (number + 3)).ToArray()),
        InferenceTensor.FromStrings("OUTPUT0", [.. Enumerable.Range(0, Elements).Select(number => $"string number {number:D40}")]),
        InferenceTensor.FromStrings("OUTPUT0", [.. Enumerable.Range(0, 60).Select(number => new string('x', 50_000))]),
    };

    [Theory]
    [MemberData(nameof(Large), DisableDiscoveryEnumeration = true)]
    public async Task A_large_answer_in_JSON_leaves_piece_by_piece(InferenceTensor output)
    {
        var context = new DefaultHttpContext();
        var body = new CountingBody();
        context.Features.Set<IHttpResponseBodyFeature>(body);
        var descriptor = Models.Ready("m", 0, [], [Models.Tensor("OUTPUT0", output.DataType, [-1])]).Descriptor!;

        await InferResponseWriter.WriteAsync(
            context.Response, new(null, [], [], default), new() { Model = descriptor.Id, Outputs = [output] }, descriptor, CancellationToken.None);

        await body.Writer.FlushAsync();
        Assert.InRange(body.Content.Length, 2 * Allowed, long.MaxValue);
        Assert.InRange(body.Counter.MostUnflushed, 1, Allowed);
        var data = JsonDocument.Parse(body.Content.ToArray()).RootElement.GetProperty("outputs")[0].GetProperty("data");
        Assert.Equal(output.ElementCount, data.GetArrayLength());
    }
}
