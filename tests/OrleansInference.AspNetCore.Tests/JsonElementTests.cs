using System.Globalization;

using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>The elements of tensors in JSON, both ways.</summary>
public sealed class JsonElementTests
{
    public static readonly TheoryData<string, string, string> Elements = new()
    {
        { "BOOL", "[true,false]", "0100" },
        { "UINT8", "[0,255]", "00FF" },
        { "UINT16", "[1,65535]", "0100FFFF" },
        { "UINT32", "[1,4294967295]", "01000000FFFFFFFF" },
        { "UINT64", "[1,18446744073709551615]", "0100000000000000FFFFFFFFFFFFFFFF" },
        { "INT8", "[-128,127]", "807F" },
        { "INT16", "[-32768,32767]", "0080FF7F" },
        { "INT32", "[-2147483648,2147483647]", "00000080FFFFFF7F" },
        { "INT64", "[-9223372036854775808,9223372036854775807]", "0000000000000080FFFFFFFFFFFFFF7F" },
        { "FP16", "[1.5,-65504]", "003EFFFB" },
        { "BF16", "[1.5,-2]", "C03F00C0" },
        { "FP32", "[1.5,-2]", "0000C03F000000C0" },
        { "FP64", "[1.5,-2]", "000000000000F83F00000000000000C0" },
        { "BYTES", "[\"a\",\"Grüße\\n\"]", "0100000061080000004772C3BCC39F650A" },
    };

    [Theory]
    [MemberData(nameof(Elements))]
    public async Task Elements_of_each_datatype_are_read_as_the_bytes_of_its_binary_form(string datatype, string data, string bytes)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput(datatype, "[2]", data))).AssertOk();

        Assert.Equal(datatype, door.Client.TheInput.DataType.ToProtocolName());
        Assert.Equal(bytes, Convert.ToHexString(door.Client.TheInput.Data.Span));
    }

    [Theory]
    [MemberData(nameof(Elements))]
    public async Task Elements_of_each_datatype_are_written_as_they_are_read(string datatype, string data, string bytes)
    {
        await using var door = await FrontDoor.StartAsync();
        Assert.True(DataTypes.TryParse(datatype, out var type));
        door.Client.Answers(new InferenceTensor("OUTPUT0", type, [1, 2], Convert.FromHexString(bytes)));

        var output = (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).Outputs[0];

        Assert.Equal("OUTPUT0", output.GetProperty("name").GetString());
        Assert.Equal(datatype, output.GetProperty("datatype").GetString());
        Assert.Equal("[1,2]", output.GetProperty("shape").GetRawText());
        Assert.Equal(data, output.GetProperty("data").GetRawText());
    }

    [Fact]
    public void Every_datatype_there_is_is_among_them() =>
        Assert.Equal(DataTypes.AllNames, Elements.Select(row => row.Data.Item1));

    [Theory]
    [InlineData("UINT8", "256")]
    [InlineData("UINT8", "-1")]
    [InlineData("UINT16", "65536")]
    [InlineData("UINT32", "4294967296")]
    [InlineData("UINT64", "18446744073709551616")]
    [InlineData("UINT64", "-1")]
    [InlineData("INT8", "128")]
    [InlineData("INT8", "-129")]
    [InlineData("INT16", "32768")]
    [InlineData("INT32", "-2147483649")]
    [InlineData("INT64", "9223372036854775808")]
    [InlineData("FP16", "65520")]
    [InlineData("BF16", "3.4e38")]
    [InlineData("FP32", "1e39")]
    [InlineData("FP64", "1e309")]
    public async Task A_number_out_of_its_datatypes_range_is_400_and_shown(string datatype, string number)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput(datatype, "[2]", $"[0,{number}]")))
            .AssertError(400, "'INPUT0'", "element 1", $"'{number}'", datatype);
    }

    [Theory]
    [InlineData("INT32", "1.5")]
    [InlineData("INT32", "1.0")]
    [InlineData("INT64", "1e2")]
    [InlineData("INT32", "true")]
    [InlineData("INT32", "\"1\"")]
    [InlineData("UINT8", "null")]
    [InlineData("BOOL", "1")]
    [InlineData("BOOL", "\"true\"")]
    [InlineData("FP32", "\"NaN\"")]
    [InlineData("FP32", "\"1.5\"")]
    [InlineData("FP32", "false")]
    [InlineData("FP64", "null")]
    [InlineData("FP16", "\"Infinity\"")]
    public async Task An_element_of_another_kind_is_400_and_shown(string datatype, string element)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput(datatype, "[1]", $"[{element}]")))
            .AssertError(400, "'INPUT0'", "element 0", $"'{element.Trim('"')}'", datatype);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("true")]
    [InlineData("null")]
    public async Task An_element_that_is_no_string_is_400_for_BYTES(string element)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput("BYTES", "[1]", $"[{element}]")))
            .AssertError(400, "'INPUT0'", "element 0", $"'{element}'", "string");
    }

    [Theory]
    [InlineData("FP32")]
    [InlineData("BOOL")]
    [InlineData("BYTES")]
    public async Task An_object_among_the_elements_is_400(string datatype)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput(datatype, "[1]", """[{"a":"b"}]"""))).AssertError(400, "'INPUT0'", "an object");
    }

    [Fact]
    public async Task A_long_element_of_another_kind_is_shown_only_in_part()
    {
        await using var door = await FrontDoor.StartAsync();

        var error = (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", $"[\"{new string('x', 100_000)}\"]"))).AssertError(400, "xxx");

        Assert.InRange(error.Length, 40, 200);
    }

    [Theory]
    [InlineData("[1,2,3,4]")]
    [InlineData("[[1,2],[3,4]]")]
    [InlineData("[[[1],[2]],[[3],[4]]]")]
    [InlineData("[[1],[2,3],[],4]")]
    public async Task Nested_data_equals_flat_data(string data)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput("INT32", "[2,2]", data))).AssertOk();

        Assert.Equal([1, 2, 3, 4], door.Client.TheInput.ToArray<int>());
    }

    [Fact]
    public async Task Integers_are_fine_as_floating_point_numbers()
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput("FP32", "[3]", "[1,-2,1e3]"))).AssertOk();

        Assert.Equal([1, -2, 1000], door.Client.TheInput.ToArray<float>());
    }

    [Theory]
    [InlineData("3.14159265", 0x4049)]
    [InlineData("1.00390625", 0x3f80)]
    [InlineData("1.01171875", 0x3f82)]
    public async Task Numbers_are_rounded_to_the_nearest_BF16_and_ties_to_even(string number, int bits)
    {
        await using var door = await FrontDoor.StartAsync();

        (await door.InferAsync("identity", Bodies.OneInput("BF16", "[1]", $"[{number}]"))).AssertOk();

        Assert.Equal(bits, BitConverter.ToUInt16(door.Client.TheInput.Data.Span));
    }

    [Fact]
    public async Task Strings_keep_escapes_other_alphabets_and_zero_bytes()
    {
        await using var door = await FrontDoor.StartAsync();
        const string Data = """["","a\u0000b","\"\\\/","\ud83d\ude00","世界"]""";

        var answer = await door.InferAsync("identity", Bodies.OneInput("BYTES", "[5]", Data));

        string[] strings = ["", "a\0b", "\"\\/", "😀", "世界"];
        Assert.Equal(strings, door.Client.TheInput.ToStrings());
        Assert.Equal(strings, answer.Outputs[0].GetProperty("data").EnumerateArray().Select(element => element.GetString()));
    }

    [Theory]
    [InlineData("FP16", "007E", "007C", "00FC")]
    [InlineData("BF16", "C07F", "807F", "80FF")]
    [InlineData("FP32", "0000C07F", "0000807F", "000080FF")]
    [InlineData("FP64", "000000000000F87F", "000000000000F07F", "000000000000F0FF")]
    public async Task Numbers_that_are_not_finite_are_written_bare(string datatype, string nan, string infinity, string negative)
    {
        await using var door = await FrontDoor.StartAsync();
        Assert.True(DataTypes.TryParse(datatype, out var type));
        var zero = new string('0', nan.Length);
        door.Client.Answers(new InferenceTensor("OUTPUT0", type, [4], Convert.FromHexString(nan + infinity + negative + zero)));

        var answer = await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"));

        answer.AssertOk();
        Assert.Contains("\"data\":[NaN,Infinity,-Infinity,0]", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8191)]
    [InlineData(8192)]
    [InlineData(8193)]
    [InlineData(50_000)]
    public async Task Long_outputs_are_written_whole_and_in_order(int count)
    {
        await using var door = await FrontDoor.StartAsync();
        var numbers = Enumerable.Range(0, count).ToArray();
        door.Client.Answers(InferenceTensor.Create("OUTPUT0", numbers));

        var answer = await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"));

        Assert.Equal(numbers, answer.Outputs[0].GetProperty("data").EnumerateArray().Select(element => element.GetInt32()));
    }

    [Fact]
    public async Task Floats_come_back_as_exactly_what_they_were()
    {
        await using var door = await FrontDoor.StartAsync();
        float[] numbers = [0.1f, 1f / 3, float.MaxValue, float.Epsilon, -0f];
        var data = $"[{string.Join(',', numbers.Select(number => number.ToString("R", CultureInfo.InvariantCulture)))}]";

        var answer = await door.InferAsync("identity", Bodies.OneInput("FP32", "[5]", data));

        Assert.Equal(numbers, door.Client.TheInput.ToArray<float>());
        Assert.Equal(numbers, answer.Outputs[0].GetProperty("data").EnumerateArray().Select(element => element.GetSingle()));
    }

    [Fact]
    public async Task Byte_strings_that_are_no_text_are_400_in_JSON_and_the_message_says_what_to_do()
    {
        await using var door = await FrontDoor.StartAsync();
        door.Client.Answers(InferenceTensor.FromBytes("OUTPUT0", [new byte[] { 0xff, 0xfe }]));

        (await door.InferAsync("identity", Bodies.OneInput("FP32", "[1]", "[1]"))).AssertError(400, "'OUTPUT0'", "UTF-8", "binary_data");
    }
}
