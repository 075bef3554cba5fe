using OrleansInference.AspNetCore.Tests.Grpc;
using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Ensembles;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>What answers and statistics say of an ensemble's members.</summary>
public sealed class MemberReportTests
{
    private static readonly MemberReport[] Reports =
    [
        new("a", MemberOutcome.Answered, "", TimeSpan.FromMilliseconds(1.5)),
        new("b", MemberOutcome.Failed, "it broke", TimeSpan.FromMilliseconds(2)),
        new("c", MemberOutcome.Late, "had not answered in time", TimeSpan.FromMilliseconds(100)),
        new("d", MemberOutcome.Cancelled, "was not needed any more", TimeSpan.FromMilliseconds(100)),
    ];

    [Fact]
    public async Task The_parameters_of_an_answer_name_each_member_its_outcome_its_time_and_what_is_wrong()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answer = (request, _) => Task.FromResult(Respond(request));

        var answer = await door.InferAsync("identity", """{"id":"7","inputs":[{"name":"INPUT0","shape":[1],"datatype":"FP32","data":[1]}]}""");

        answer.AssertOk();
        Assert.Equal(
            """
            {"model_name":"identity","model_version":"1","id":"7","parameters":{"member.a":"answered","member.a.milliseconds":1.5,
            "member.b":"failed","member.b.milliseconds":2,"member.b.reason":"it broke",
            "member.c":"late","member.c.milliseconds":100,"member.c.reason":"had not answered in time",
            "member.d":"cancelled","member.d.milliseconds":100,"member.d.reason":"was not needed any more"},
            "outputs":[{"name":"OUTPUT0","datatype":"FP32","shape":[1],"data":[1]}]}
            """.ReplaceLineEndings(""),
            answer.Text);
    }

    [Fact]
    public async Task Messages_have_them_as_parameters_too()
    {
        await using var door = await GrpcDoor.StartAsync();
        door.Client.Answer = (request, _) => Task.FromResult(Respond(request));

        var response = await door.Api.ModelInferAsync(Requests.Number(1));

        Assert.Equal("failed", response.Parameters["member.b"].StringParam);
        Assert.Equal(1.5, response.Parameters["member.a.milliseconds"].DoubleParam);
        Assert.Equal("had not answered in time", response.Parameters["member.c.reason"].StringParam);
        Assert.Equal(11, response.Parameters.Count);
    }

    [Fact]
    public async Task Statistics_of_ensembles_and_shadows_have_what_those_of_others_have_not()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Statistics["simple"] =
        [
            (new("simple", 1), new() { Members = [new("cnn", "digits", new(5, 50), new(4, 40), new(3, 30), new(2, 20))] }),
            (new("simple", 2), new() { Shadow = new(Compared: 10, Different: 3, Failed: 2, Skipped: 1) }),
            (new("simple", 3), new()),
        ];

        var models = (await door.GetAsync("/v2/models/simple/stats")).Json.GetProperty("model_stats");

        Assert.Equal(
            """[{"name":"cnn","model":"digits","answered":{"count":5,"ns":50},"failed":{"count":4,"ns":40},"late":{"count":3,"ns":30},"cancelled":{"count":2,"ns":20}}]""",
            models[0].GetProperty("members").GetRawText());
        Assert.Equal("""{"compared":10,"different":3,"failed":2,"skipped":1}""", models[1].GetProperty("shadow").GetRawText());
        Assert.False(models[2].TryGetProperty("members", out _));
        Assert.False(models[2].TryGetProperty("shadow", out _));
    }

    private static InferenceResponse Respond(InferenceRequest request) => new()
    {
        Model = new(request.Model, 1),
        Outputs = [InferenceTensor.Create("OUTPUT0", new[] { 1f })],
        Members = Reports,
    };
}
