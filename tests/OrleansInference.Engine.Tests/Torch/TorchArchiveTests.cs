using System.IO.Compression;

using OrleansInference.Engine.Torch;

namespace OrleansInference.Engine.Tests.Torch;

/// <summary>What an archive tells of itself, and what is said of a file that is none.</summary>
public sealed class TorchArchiveTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    private string ModelPath => Path.Combine(_root.Path, "1", "model.pt");

    [Fact]
    public void Arguments_have_their_names_types_and_defaults_in_order()
    {
        var forward = Read("""
            def forward(self: __torch__.Identity,
              x: Tensor, rate: int=16000, mask: Optional[Tensor]=None, threshold: float=1.0000000000000001e-05,
              name: str="a, b) = [", pads: Tuple[int, int]=(0, 0),
              last: Optional[float]) -> Tuple[Tensor,  Tuple[Tensor, Tensor]]:
              return (x, (x, x))
            """).Forward!;

        Assert.Equal(
            "(x: Tensor, rate: int=16000, mask: Optional[Tensor]=None, threshold: float=1.0000000000000001e-05, name: str=\"a, b) = [\", pads: Tuple[int, int]=(0, 0), last: Optional[float])",
            forward.Takes);
        Assert.Equal(("self", "Tuple[Tensor, Tuple[Tensor, Tensor]]", 3), (forward.Self, forward.Returns, forward.OutputCount));
        Assert.Equal(["x"], forward.Arguments.Where(argument => argument.IsRequired).Select(argument => argument.Name));
    }

    [Theory]
    [InlineData("Tensor", 1)]
    [InlineData("Tuple[Tensor, Tensor]", 2)]
    [InlineData("Tuple[Tensor, List[Tensor]]", null)]
    [InlineData("List[Tensor]", null)]
    [InlineData("Dict[str, Tensor]", null)]
    [InlineData("__torch__.Output", null)]
    public void The_type_of_the_result_tells_how_many_outputs_there_are_or_does_not(string type, int? count)
    {
        Assert.Equal(count, Read($"def forward(self, x: Tensor) -> {type}:\n  return x").Forward!.OutputCount);
    }

    [Fact]
    public void The_keys_that_the_source_shows_are_those_of_the_dict()
    {
        var archive = Read("""
            def forward(self, x: Tensor) -> Dict[str, Tensor]:
              d = {"logits": x, "hidden": torch.relu(x)}
              torch._set_item(d, "late", x)
              return d
            def other(self, x: Tensor) -> Dict[str, Tensor]:
              return {"another": x}
            """);

        Assert.True(archive.Forward!.ReturnsDict);
        Assert.Equal(["logits", "hidden", "late"], archive.Keys);
    }

    [Fact]
    public void The_bundled_archives_which_PyTorch_has_written_are_read()
    {
        var takes = Directory.GetFiles(TorchScriptArchive.BundledModels, "*.pt", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => TorchArchive.Read(path)!)
            .Select(archive => $"{archive.Fault}{archive.Forward!.Takes} -> {archive.Forward.Returns} {archive.KeepsState}");

        Assert.Equal(
            [
                "(left: Tensor, right: Tensor) -> Tuple[Tensor, Tensor] False",
                "(FROM: Tensor) -> Tuple[Tensor, Tensor] False",
                "(pixels: Tensor) -> Tensor False",
                "(pixels: Tensor) -> Tensor False",
                "(INPUT0: Tensor) -> Tensor False",
                "(INPUT0: Tensor, INPUT1: Tensor) -> Tuple[Tensor, Tensor] False",
            ],
            takes);
    }

    [Fact]
    public void A_file_that_is_missing_is_no_archive_and_no_fault() => Assert.Null(TorchArchive.Read(ModelPath));

    [Theory]
    [InlineData("", "1/model.pt: the file is empty, and no zip archive")]
    [InlineData("this is no archive", "1/model.pt: the file is no zip archive")]
    [InlineData("P", "1/model.pt: the file is no zip archive")]
    [InlineData("PK\u0003\u0004 and nothing more", "1/model.pt: the zip archive is cut short or damaged")]
    public void A_file_that_is_no_zip_archive_is_named_with_the_reason(string content, string expected)
    {
        _root.Write("1/model.pt", content);

        Assert.StartsWith(expected, TorchArchive.Read(ModelPath)!.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pickle_of_old_is_told_how_it_is_saved_as_an_archive()
    {
        _root.Write("1/model.pt", "");
        File.WriteAllBytes(ModelPath, Convert.FromHexString("80028A0A6CFC9C46F9206AA850192E8002"));

        Assert.Contains("as torch.save writes them; save the module with torch.jit.script(module).save(path)", TorchArchive.Read(ModelPath)!.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/code/", "1/model.pt: it has no code, but a state dict or a pickled module, as torch.save writes them; save the module with torch.jit")]
    [InlineData("/data.pkl", "1/model.pt: it is a zip archive, but none of TorchScript: it has no data.pkl")]
    public void An_archive_without_its_parts_is_told_what_it_lacks(string part, string expected)
    {
        TorchScriptArchive.Write(ModelPath, "def forward(self, x: Tensor) -> Tensor:\n  return x");
        using (var archive = ZipFile.Open(ModelPath, ZipArchiveMode.Update))
        {
            foreach (var entry in archive.Entries.Where(entry => entry.FullName.Contains(part, StringComparison.Ordinal)).ToList()) entry.Delete();
        }

        Assert.StartsWith(expected, TorchArchive.Read(ModelPath)!.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_without_forward_is_told_what_it_has_instead()
    {
        var archive = Read("def run(self, x: Tensor) -> Tensor:\n  return x\ndef other(self) -> int:\n  return 1");

        Assert.Equal("1/model.pt: its module has no method 'forward', but 'run', 'other'", archive.Fault);
    }

    [Theory]
    [InlineData("def forward(self, *x) -> Tensor:\n  return x")]
    [InlineData("def forward(self, x: Tensor")]
    [InlineData("def forward(self, x: Tensor) -> Tensor\n  return x")]
    public void Source_that_is_not_understood_is_left_to_libtorch(string forward)
    {
        var archive = Read(forward);

        Assert.Equal(("", null), (archive.Fault, archive.Forward));
    }

    [Fact]
    public void An_archive_of_old_is_left_to_libtorch()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(ModelPath)!);
        using (var archive = ZipFile.Open(ModelPath, ZipArchiveMode.Create)) archive.CreateEntry("archive/model.json");

        var read = TorchArchive.Read(ModelPath)!;

        Assert.Equal(("", null), (read.Fault, read.Forward));
    }

    [Fact]
    public void Types_within_types_have_a_bound()
    {
        var depth = 100_000;
        var type = string.Concat(Enumerable.Repeat("Tuple[", depth)) + "Tensor" + new string(']', depth);

        Assert.Null(Read($"def forward(self, x: Tensor) -> {type}:\n  return x").Forward);
        Assert.Null(Read($"def forward(self, x: Tensor) -> {type[..(6 * 17)]}Tensor{new string(']', 17)}:\n  return x").Forward!.OutputCount);
        Assert.Equal(1, Read($"def forward(self, x: Tensor) -> {type[..(6 * 15)]}Tensor{new string(']', 15)}:\n  return x").Forward!.OutputCount);
    }

    [Fact]
    public void Whatever_is_cut_off_or_changed_gives_a_reason_and_no_exception()
    {
        TorchScriptArchive.Write(ModelPath, "def forward(self, x: Tensor) -> Tensor:\n  return x");
        var sound = File.ReadAllBytes(ModelPath);
        var random = new Random(5);

        for (var length = 0; length < sound.Length; length++)
        {
            File.WriteAllBytes(ModelPath, sound[..length]);
            Assert.StartsWith("1/model.pt: ", TorchArchive.Read(ModelPath)!.Fault, StringComparison.Ordinal);
        }

        for (var round = 0; round < 1000; round++)
        {
            var changed = sound.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--) changed[random.Next(changed.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(ModelPath, changed);
            Assert.NotNull(TorchArchive.Read(ModelPath));
        }
    }

    private TorchArchive Read(string forward)
    {
        TorchScriptArchive.Write(ModelPath, forward);
        return TorchArchive.Read(ModelPath)!;
    }
}
