using OrleansInference.Tensors;

namespace OrleansInference.Abstractions.Tests;

public sealed class TensorRowsTests
{
    private static readonly InferenceTensor Numbers = InferenceTensor.Create("x", new[] { 1, 2, 3, 4, 5, 6 }, 3, 2);

    private static readonly InferenceTensor Texts = InferenceTensor.FromStrings("x", ["a", "", "ccc", "dd", "e", "ffff"], 3, 2);

    [Fact]
    public void Rows_of_numbers_and_of_texts_are_sliced_in_place()
    {
        var numbers = TensorRows.Slice(Numbers, 1, 2);
        var texts = TensorRows.Slice(Texts, 1, 1);

        Assert.Equal([2, 2], numbers.Shape.ToArray());
        Assert.Equal([3, 4, 5, 6], numbers.ToArray<int>());
        Assert.Equal([1, 2], texts.Shape.ToArray());
        Assert.Equal(["ccc", "dd"], texts.ToStrings());
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(2, 2)]
    [InlineData(int.MaxValue, 1)]
    public void Rows_that_are_not_there_are_refused(int start, int count) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => TensorRows.Slice(Numbers, start, count));

    [Fact]
    public void Slices_put_together_are_the_whole_again()
    {
        foreach (var whole in new[] { Numbers, Texts })
        {
            var joined = TensorRows.Concatenate("y", [TensorRows.Slice(whole, 0, 1), TensorRows.Slice(whole, 1, 2)], axis: 0);

            Assert.Equal("y", joined.Name);
            Assert.Equal([3, 2], joined.Shape.ToArray());
            Assert.True(whole.Data.Span.SequenceEqual(joined.Data.Span));
        }
    }

    [Fact]
    public void Along_another_dimension_the_rows_are_put_together_one_by_one()
    {
        var numbers = TensorRows.Concatenate("y", [Numbers, InferenceTensor.Create("z", new[] { 7, 8, 9 }, 3, 1)], axis: 1);
        var texts = TensorRows.Concatenate("y", [Texts, InferenceTensor.FromStrings("z", ["", "h", "ii"], 3, 1)], axis: 1);

        Assert.Equal([3, 3], numbers.Shape.ToArray());
        Assert.Equal([1, 2, 7, 3, 4, 8, 5, 6, 9], numbers.ToArray<int>());
        Assert.Equal(["a", "", "", "ccc", "dd", "h", "e", "ffff", "ii"], texts.ToStrings());
    }

    [Fact]
    public void Tensors_without_rows_can_be_put_together() => Assert.Equal(
        [0, 4], TensorRows.Concatenate("y", [InferenceTensor.Create("x", Array.Empty<int>(), 0, 2), InferenceTensor.Create("x", Array.Empty<int>(), 0, 2)], 1).Shape.ToArray());

    [Fact]
    public void What_does_not_fit_is_named()
    {
        var type = Assert.Throws<ArgumentException>(() => TensorRows.Concatenate("y", [Numbers, Texts], 0));
        var shape = Assert.Throws<ArgumentException>(() => TensorRows.Concatenate("y", [Numbers, InferenceTensor.Create("z", new[] { 7, 8, 9 }, 1, 3)], 0));
        var axis = Assert.Throws<ArgumentException>(() => TensorRows.Concatenate("y", [Numbers, Numbers], 2));

        Assert.Contains("'y' came as INT32[3,2] and as BYTES[3,2]", type.Message, StringComparison.Ordinal);
        Assert.Contains("INT32[1,3]", shape.Message, StringComparison.Ordinal);
        Assert.Contains("'y' of shape [3,2] has no dimension 2", axis.Message, StringComparison.Ordinal);
    }
}
