using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

using OrleansInference.AspNetCore.Protocol;
using OrleansInference.AspNetCore.Tests.Hosting;
using OrleansInference.Tensors;

namespace OrleansInference.AspNetCore.Tests;

/// <summary>Numbers that are read from the text itself are what the JSON reader would have read, and what it refuses is refused.</summary>
public sealed class FlatNumberTests
{
    private const int Limit = 1_000_000;

    private static readonly ModelDescriptor Model = Models.Ready("m", 0, [], []).Descriptor!;

    [Fact]
    public void Random_floats_in_many_notations_are_the_nearest_floats()
    {
        var random = new Random(4);
        string[] formats = ["R", "G9", "E8", "F12", "G17", "E16", "0.###"];
        for (var i = 0; i < 20_000; i++)
        {
            var bits = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            var value = i % 2 == 0 ? random.NextSingle() : float.IsFinite(bits) ? bits : 0;
            var text = value.ToString(formats[i % formats.Length], CultureInfo.InvariantCulture);

            Assert.Equal(Bits(float.Parse(text, CultureInfo.InvariantCulture)), Bits(Assert.Single(ReadFlat($"[{text}]", 1)!)));
        }
    }

    [Theory]
    [InlineData("16777217")] // halfway between two floats
    [InlineData("16777219")]
    [InlineData("16777217.0000000000000001")] // a little more than halfway, which no double tells
    [InlineData("9007199791611905")]
    [InlineData("0.1")]
    [InlineData("1e22")]
    [InlineData("1e-22")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("0.000000000000000000000000000000000000000000001")]
    [InlineData("1.17549429e-38")]
    [InlineData("3.4028235e38")]
    [InlineData("-0")]
    [InlineData("-0.0e0")]
    [InlineData("5E+3")]
    public void Numbers_at_the_edges_are_the_nearest_floats(string text) =>
        Assert.Equal(Bits(float.Parse(text, CultureInfo.InvariantCulture)), Bits(Assert.Single(ReadFlat($"[{text}]", 1)!)));

    [Theory]
    [InlineData("[1, 2 ,\t3\r\n]", 3, true)]
    [InlineData("[ 1,2,3 ]", 3, true)]
    [InlineData("[1,2,3]", 2, false)]
    [InlineData("[1,2]", 3, false)]
    [InlineData("[1,2,]", 2, false)]
    [InlineData("[1 2]", 2, false)]
    [InlineData("[[1],[2]]", 2, false)]
    [InlineData("[01]", 1, false)]
    [InlineData("[-]", 1, false)]
    [InlineData("[+1]", 1, false)]
    [InlineData("[.5]", 1, false)]
    [InlineData("[1.]", 1, false)]
    [InlineData("[1e]", 1, false)]
    [InlineData("[1e+]", 1, false)]
    [InlineData("[1e99999999999]", 1, false)]
    [InlineData("[1e39]", 1, false)]
    [InlineData("[0x1]", 1, false)]
    [InlineData("[1", 1, false)]
    [InlineData("[1,2,3]", 4_000_000_000, false)]
    [InlineData("{}", 1, false)]
    public void Only_a_flat_array_of_so_many_numbers_is_read(string array, long count, bool expected) =>
        Assert.Equal(expected, ReadFlat(array, count) is not null);

    [Fact]
    public void What_follows_the_array_is_read_on()
    {
        var call = InferJsonReader.Read(
            ToSequence("""{"inputs":[{"name":"a","datatype":"FP32","shape":[2],"data":[1,2.5],"extra":[1]},{"name":"b","shape":[1],"datatype":"FP32","data":[3]}],"id":"x"}"""),
            ReadOnlySequence<byte>.Empty, Limit, Model);

        Assert.Equal("x", call.Id);
        Assert.Equal([[1f, 2.5f], [3f]], call.Inputs.Select(input => input.ToArray<float>()));
    }

    [Fact]
    public void Data_before_its_shape_is_read_when_the_shape_is_known()
    {
        var call = InferJsonReader.Read(
            ToSequence("""{"inputs":[{"name":"a","data":[1,2.5],"datatype":"FP32","shape":[2]},{"name":"b","datatype":"FP32","shape":[1],"data":[3]}]}"""),
            ReadOnlySequence<byte>.Empty, Limit, Model);

        Assert.Equal([[1f, 2.5f], [3f]], call.Inputs.Select(input => input.ToArray<float>()));
    }

    [Fact]
    public void What_is_wrong_behind_the_array_is_told_with_its_place()
    {
        const string Json = """{"inputs":[{"name":"a","datatype":"FP32","shape":[3],"data":[1,2,3]},]}""";

        var refusal = Assert.Throws<InferenceException>(() => InferJsonReader.Read(ToSequence(Json), ReadOnlySequence<byte>.Empty, Limit, Model));

        Assert.Contains($"BytePositionInLine: {Json.Length - 2}.", refusal.Message, StringComparison.Ordinal);
    }

    private static float[]? ReadFlat(string array, long count)
    {
        ReadOnlySpan<byte> text = Encoding.UTF8.GetBytes($$"""{"data":{{array}},"next":1}""");
        var reader = new Utf8JsonReader(text);
        reader.Read();
        reader.Read();
        if (!FlatNumbers.TryRead(ref reader, ref text, count, out var elements)) return null;
        Assert.Equal(JsonTokenType.EndArray, reader.TokenType);
        Assert.True(reader.Read() && reader.ValueTextEquals("next"));
        return new InferenceTensor("data", DataType.Float32, [count], elements).ToArray<float>();
    }

    private static ReadOnlySequence<byte> ToSequence(string json) => new(Encoding.UTF8.GetBytes(json));

    private static int Bits(float value) => BitConverter.SingleToInt32Bits(value);
}
