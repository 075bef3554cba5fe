using System.Text;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>The form of a request's JSON: what is needed, what is ignored, what is refused.</summary>
public sealed class JsonStructureTests
{
    private const string Whole =
        """{"id":"a","parameters":{"timeout":5},"inputs":[{"name":"A","shape":[2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"B"}]}""";

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("\"inputs\"")]
    [InlineData("nul")]
    [InlineData("{'inputs':[]}")]
    [InlineData("{\"inputs\":[],}")]
    [InlineData("{\"inputs\":[]} x")]
    [InlineData("{\"inputs\":[]}{}")]
    [InlineData("{\"inputs\" []}")]
    [InlineData("{\"inputs\":[]}\0")]
    [InlineData("{/* no */\"inputs\":[]}")]
    [InlineData("{\"inputs\":[{\"name\":\"A\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[nan]}]}")]
    [InlineData("{\"inputs\":[{\"name\":\"A\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[01]}]}")]
    public async Task A_body_that_is_no_JSON_object_is_400(string body)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", body)).AssertError(400, "failed to parse the request JSON buffer");
        Assert.Empty(door.Client.Requests);
    }

    [Fact]
    public async Task A_body_cut_off_anywhere_is_400()
    {
        await using var door = await FrontDoor.StartAsync();

        for (var length = 0; length < Whole.Length; length++)
            (await door.InferAsync("identity", Whole[..length])).AssertError(400, "failed to parse the request JSON buffer");
        (await door.InferAsync("identity", Whole)).AssertOk();
    }

    [Theory]
    [InlineData("{}", "'inputs'", "missing")]
    [InlineData("""{"inputs":null}""", "'inputs'", "missing")]
    [InlineData("""{"inputs":{}}""", "'inputs'", "array")]
    [InlineData("""{"inputs":[1]}""", "'inputs'", "objects")]
    [InlineData("""{"inputs":[[]]}""", "'inputs'", "objects")]
    [InlineData("""{"inputs":[],"outputs":"x"}""", "'outputs'", "array")]
    [InlineData("""{"inputs":[],"outputs":["x"]}""", "'outputs'", "objects")]
    [InlineData("""{"inputs":[],"outputs":[{}]}""", "'outputs'", "'name'")]
    [InlineData("""{"inputs":[],"outputs":[{"name":1}]}""", "'name'", "string")]
    [InlineData("""{"inputs":[],"outputs":[{"name":"x","parameters":[]}]}""", "'parameters'", "object")]
    [InlineData("""{"inputs":[],"id":1}""", "'id'", "string")]
    [InlineData("""{"inputs":[],"parameters":1}""", "'parameters'", "object")]
    [InlineData("""{"inputs":[{"shape":[1],"datatype":"FP32","data":[1]}]}""", "'inputs'", "'name'")]
    [InlineData("""{"inputs":[{"name":1,"shape":[1],"datatype":"FP32","data":[1]}]}""", "'name'", "string")]
    [InlineData("""{"inputs":[{"name":"A","datatype":"FP32","data":[1]}]}""", "'shape'", "'A'")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"data":[1]}]}""", "'datatype'", "'A'")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":3,"data":[1]}]}""", "'datatype'", "string")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"fp32","data":[1]}]}""", "'fp32'", "FP32")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"STRING","data":[1]}]}""", "'STRING'", "BYTES")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"FP32"}]}""", "'A'", "none")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"FP32","data":1}]}""", "'A'", "array")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"FP32","data":null}]}""", "'A'", "has none")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"FP32","data":{"0":1}}]}""", "'A'", "array")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"FP32","parameters":3,"data":[1]}]}""", "'parameters'", "object")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"FP32","parameters":{"shared_memory_region":"r"}}]}""", "'A'", "shared memory")]
    [InlineData("""{"inputs":[],"outputs":[{"name":"x","parameters":{"shared_memory_region":"r"}}]}""", "outputs", "shared memory")]
    public async Task A_member_that_is_missing_or_of_another_kind_is_400_and_named(string body, string field, string problem)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", body)).AssertError(400, field, problem);
        Assert.Empty(door.Client.Requests);
    }

    [Theory]
    [InlineData("data,name,shape,datatype")]
    [InlineData("data,datatype,shape,name")]
    [InlineData("shape,data,name,datatype")]
    [InlineData("name,shape,datatype,data")]
    public async Task Members_may_stand_in_any_order(string order)
    {
        await using var door = await FrontDoor.StartAsync();
        var members = new Dictionary<string, string>
        {
            ["name"] = "\"A\"",
            ["shape"] = "[2,2]",
            ["datatype"] = "\"INT16\"",
            ["data"] = "[[1,2],[3,4]]",
        };
        var input = string.Join(',', order.Split(',').Select(member => $"\"{member}\":{members[member]}"));

        (await door.InferAsync("identity", $$"""{"outputs":[{"name":"B"}],"inputs":[{{{input}}}],"id":"x"}""")).AssertOk();

        Assert.Equal("A", door.Client.TheInput.Name);
        Assert.Equal([2, 2], door.Client.TheInput.Shape.ToArray());
        Assert.Equal([1, 2, 3, 4], door.Client.TheInput.ToArray<short>());
        Assert.Equal(["B"], door.Client.TheRequest.Outputs);
    }

    [Fact]
    public async Task Unknown_members_are_ignored_everywhere()
    {
        await using var door = await FrontDoor.StartAsync();
        const string Body = """
            {"x":{"inputs":[1]},"inputs":[{"x":[{}],"name":"A","shape":[1],"datatype":"FP32","parameters":{"x":null},"data":[7],"y":"\""}],
             "parameters":{"priority":3,"x":[1,{"triton_":2}]},"outputs":[{"x":1,"name":"B","parameters":{"x":{} } }],"y":null}
            """;

        (await door.InferAsync("identity", Body)).AssertOk();

        Assert.Equal([7], door.Client.TheInput.ToArray<float>());
        Assert.Equal(["B"], door.Client.TheRequest.Outputs);
    }

    [Fact]
    public async Task Inputs_and_outputs_keep_their_order_and_which_fit_is_left_to_the_model()
    {
        await using var door = await FrontDoor.StartAsync();
        const string Body = """
            {"inputs":[{"name":"B","shape":[1],"datatype":"FP32","data":[1]},{"name":"A","shape":[1],"datatype":"FP32","data":[2]},
            {"name":"B","shape":[1],"datatype":"FP32","data":[3]}],"outputs":[{"name":"Z"},{"name":"Y"},{"name":"Z"}]}
            """;
        door.Client.Fails(new InferenceException(InferenceError.InvalidArgument, "input 'B' already exists in request"));

        (await door.InferAsync("identity", Body)).AssertError(400, "'B'", "already exists");

        Assert.Equal(["B", "A", "B"], door.Client.TheRequest.Inputs.Select(input => input.Name));
        Assert.Equal(["Z", "Y", "Z"], door.Client.TheRequest.Outputs);
    }

    [Fact]
    public async Task A_request_without_outputs_asks_for_all()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).AssertOk();

        Assert.Empty(door.Client.TheRequest.Outputs);
    }

    [Theory]
    [InlineData(50, 200)]
    [InlineData(120, 400)]
    [InlineData(100_000, 400)]
    public async Task Data_may_be_nested_fifty_deep_but_not_without_end(int depth, int status)
    {
        await using var door = await FrontDoor.StartAsync();

        var answer = await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", new string('[', depth) + "1" + new string(']', depth)));

        if (status == 200) answer.AssertOk();
        else answer.AssertError(400, "64");
    }

    [Theory]
    [InlineData("""{"x":?,"inputs":[]}""")]
    [InlineData("""{"parameters":{"x":?},"inputs":[]}""")]
    [InlineData("""{"inputs":[{"x":?}]}""")]
    [InlineData("""{"inputs":[],"outputs":[{"parameters":{"x":?}}]}""")]
    public async Task Depth_is_bounded_in_what_is_ignored_too(string body)
    {
        await using var door = await FrontDoor.StartAsync();
        var bomb = string.Concat(Enumerable.Repeat("{\"a\":[", 50_000));

        (await door.InferAsync("identity", body.Replace("?", bomb, StringComparison.Ordinal))).AssertError(400, "64");
    }

    [Theory]
    [InlineData("""{"id":"?","inputs":[]}""")]
    [InlineData("""{"inputs":[{"name":"?","shape":[1],"datatype":"FP32","data":[1]}]}""")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"?","data":[1]}]}""")]
    [InlineData("""{"inputs":[{"name":"A","shape":[1],"datatype":"BYTES","data":["?"]}]}""")]
    [InlineData("""{"inputs":[],"outputs":[{"name":"?"}]}""")]
    [InlineData("""{"inputs":[],"parameters":{"?":1}}""")]
    public async Task Strings_that_are_not_UTF_8_are_400(string body)
    {
        await using var door = await FrontDoor.StartAsync();
        byte[] latin1 = [.. Encoding.Latin1.GetBytes(body.Replace('?', 'ü'))];

        (await door.InferAsync("identity", new ByteArrayContent(latin1))).AssertError(400, "UTF-8");
        (await door.InferAsync("identity", body.Replace("?", "\\ud800", StringComparison.Ordinal))).AssertError(400, "UTF-8");
    }

    [Theory]
    [InlineData("""{"?":1,"inputs":[]}""")]
    [InlineData("""{"inputs":[{"?":1}]}""")]
    [InlineData("""{"inputs":[{"parameters":{"?":1}}]}""")]
    [InlineData("""{"inputs":[],"outputs":[{"?":1}]}""")]
    [InlineData("""{"inputs":[],"outputs":[{"parameters":{"?":1}}]}""")]
    public async Task Names_of_members_that_are_no_text_are_ignored_or_refused_but_no_failure_of_the_server(string body)
    {
        await using var door = await FrontDoor.StartAsync();

        foreach (var name in new[] { "\\ud800", "i\\ud800", "na\\udc00me", "\\ud800\\ud800\\ud800\\ud800" })
        {
            var answer = await door.InferAsync("identity", body.Replace("?", name, StringComparison.Ordinal));

            if (answer.Status != 200) answer.AssertError(400);
        }
    }
}
