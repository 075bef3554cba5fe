using System.Runtime.InteropServices;

using OrleansInference.Engine.Batching;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Tests.Batching;

public sealed class PaddingValueTests
{
    [Theory]
    [InlineData(DataType.Bool, 1, 1)]
    [InlineData(DataType.UInt8, 255, 255)]
    [InlineData(DataType.Int8, -1, 255)]
    [InlineData(DataType.UInt16, 65_535, 65_535)]
    [InlineData(DataType.Int16, -2, 65_534)]
    [InlineData(DataType.UInt32, 4e9, 4_000_000_000)]
    [InlineData(DataType.Int32, -1, 4_294_967_295)]
    [InlineData(DataType.UInt64, 9e18, 9_000_000_000_000_000_000)]
    [InlineData(DataType.Int64, -1, -1)]
    [InlineData(DataType.Float16, 1, 0x3C00)]
    [InlineData(DataType.BFloat16, -1, 0xBF80)]
    [InlineData(DataType.BFloat16, 1.01171875, 0x3F82)]
    [InlineData(DataType.Float32, -1e9, 0xCE6E6B28)]
    [InlineData(DataType.Float64, 0.5, 0x3FE0_0000_0000_0000)]
    public void A_number_fills_elements_of_its_datatype(DataType type, double value, long expected)
    {
        var size = type.ElementSize();
        var elements = new byte[3 * size];

        Assert.True(PaddingValue.TryGetBits(type, value, out var bits));
        PaddingValue.Fill(elements, size, bits);

        var one = MemoryMarshal.AsBytes<long>(new[] { expected })[..size].ToArray();
        Assert.Equal([.. one, .. one, .. one], elements);
    }

    [Theory]
    [InlineData(DataType.Bool, 2)]
    [InlineData(DataType.UInt8, -1)]
    [InlineData(DataType.UInt8, 256)]
    [InlineData(DataType.Int32, 0.5)]
    [InlineData(DataType.Int32, 2_147_483_648)]
    [InlineData(DataType.Int64, 9.2233720368547758e18)]
    [InlineData(DataType.UInt64, -1)]
    [InlineData(DataType.UInt64, 1.8446744073709552e19)]
    [InlineData(DataType.Float16, 1e6)]
    [InlineData(DataType.BFloat16, 3.4e38)]
    [InlineData(DataType.Float32, 1e39)]
    [InlineData(DataType.Bytes, 0)]
    public void A_number_that_the_datatype_has_not_is_none(DataType type, double value) =>
        Assert.False(PaddingValue.TryGetBits(type, value, out _));
}
