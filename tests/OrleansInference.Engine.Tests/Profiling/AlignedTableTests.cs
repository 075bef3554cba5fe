using OrleansInference.Engine.Profiling;

namespace OrleansInference.Engine.Tests.Profiling;

public sealed class AlignedTableTests
{
    [Fact]
    public void Columns_are_as_wide_as_what_stands_in_them_and_numbers_end_at_one_place()
    {
        var table = new AlignedTable("NAME", " ROWS", "STATE");
        table.Add("a", "1", "sound");
        table.Add("longer", "16384", "");

        Assert.Equal("NAME     ROWS  STATE\na           1  sound\nlonger  16384\n", table.ToString());
    }

    [Fact]
    public void Cells_may_have_several_lines()
    {
        var table = new AlignedTable("A", "B", "C");
        table.Add("1\n2", "x", "y");
        table.Add("3", "x\ny\nz", "");

        Assert.Equal("A  B  C\n1  x  y\n2\n3  x\n   y\n   z\n", table.ToString());
    }

    [Fact]
    public void A_row_has_as_many_cells_as_there_are_columns() =>
        Assert.Contains("1 cells in a table of 2", Assert.Throws<ArgumentException>(() => new AlignedTable("A", "B").Add("1")).Message, StringComparison.Ordinal);
}
