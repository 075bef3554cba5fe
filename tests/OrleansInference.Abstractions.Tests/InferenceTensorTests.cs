using OrleansInference.Tensors;

namespace OrleansInference.Abstractions.Tests;

public sealed class InferenceTensorTests
{
    [Fact]
    public void Numbers_come_back_as_they_went_in()
    {
        var tensor = InferenceTensor.Create("x", new[] { 1.5f, -2, float.NaN, 4 }, 2, 2);

        Assert.Equal(DataType.Float32, tensor.DataType);
        Assert.Equal([2, 2], tensor.Shape.ToArray());
        Assert.Equal(16, tensor.Data.Length);
        Assert.Equal([1.5f, -2, float.NaN, 4], tensor.ToArray<float>());
    }

    [Fact]
    public void Without_a_shape_all_elements_are_one_dimension() =>
        Assert.Equal([3], InferenceTensor.Create("x", new long[] { 1, 2, 3 }).Shape.ToArray());

    [Fact]
    public void Strings_of_any_length_and_alphabet_come_back()
    {
        string[] strings = ["", "a\0b", "Grüße, 世界"];

        Assert.Equal(strings, InferenceTensor.FromStrings("s", strings).ToStrings());
    }

    [Fact]
    public void Reading_as_another_type_names_both_types()
    {
        var tensor = InferenceTensor.Create("x", new[] { 1 });

        var exception = Assert.Throws<InvalidOperationException>(() => tensor.ToArray<float>());

        Assert.Contains("INT32", exception.Message, StringComparison.Ordinal);
        Assert.Contains("FP32", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new long[] { 2, -1 }, 8)]
    [InlineData(new long[] { long.MaxValue, 2 }, 8)]
    [InlineData(new long[] { 3 }, 8)]
    [InlineData(new long[] { 2 }, 7)]
    [InlineData(new long[] { 2 }, 9)]
    public void Shape_and_bytes_that_disagree_are_refused(long[] shape, int bytes)
    {
        var exception = Assert.Throws<ArgumentException>(() => new InferenceTensor("x", DataType.Int32, shape, new byte[bytes]));

        Assert.Contains("'x'", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 1, 0 })]
    [InlineData(new byte[] { 5, 0, 0, 0, 65 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 65 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 65, 1, 0, 0, 0, 66 })]
    public void Byte_strings_that_are_cut_short_or_too_many_are_refused(byte[] data) =>
        Assert.Throws<ArgumentException>(() => new InferenceTensor("s", DataType.Bytes, [1], data));

    [Fact]
    public void A_dimension_of_zero_makes_an_empty_tensor() =>
        Assert.Equal(0, new InferenceTensor("x", DataType.Float64, [3, 0, 5], Array.Empty<byte>()).ElementCount);

    [Fact]
    public void Every_datatype_is_found_by_the_name_it_gives()
    {
        foreach (var dataType in Enum.GetValues<DataType>())
        {
            Assert.True(DataTypes.TryParse(dataType.ToProtocolName(), out var found));
            Assert.Equal(dataType, found);
        }

        Assert.False(DataTypes.TryParse("fp32", out _));
        Assert.False(DataTypes.TryParse(null, out _));
    }
}
