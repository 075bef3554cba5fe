using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansInference.Engine.Quarantine;

/// <summary>
/// A slot per device thread for what it has a model do, in a file that is mapped: what is written there stays when the process is aborted,
/// without a call of the system. Whoever has the file open has it alone.
/// </summary>
internal sealed unsafe class RunSlots : IDisposable
{
    public const int SlotSize = 1024;
    public const int MaxSubject = SlotSize - (2 * sizeof(int));

    private const int HeaderSize = 64;
    private const uint Mark = 0x3153_494F;

    private readonly FileStream _file;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte[]?[] _subjects;
    private readonly byte* _start;

    private RunSlots(FileStream file, int count, List<(RunPhase, RunSubject)> left)
    {
        _file = file;
        _subjects = new byte[count][];
        Left = left;
        _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor();
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    /// <summary>What was going on when the process ended that had the file before, unless it had been asked to end.</summary>
    public IReadOnlyList<(RunPhase Phase, RunSubject Subject)> Left { get; }

    /// <summary>Takes the file, and leaves it as it is until <see cref="Clear"/>.</summary>
    /// <exception cref="IOException">Another process has the file, or it cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be written.</exception>
    public static RunSlots Open(string path, int count)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        try
        {
            var content = new byte[file.Length];
            file.ReadExactly(content);
            var left = Read(content);
            // All of it is written, so that it has its place on the disk: a page without one would end this process when it is touched.
            var size = Math.Max(HeaderSize + (count * SlotSize), content.Length);
            Array.Resize(ref content, size);
            file.Position = 0;
            file.Write(content);
            file.Flush(flushToDisk: true);
            return new(file, count, left);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Empties all slots, and has them count from now on.</summary>
    public void Clear()
    {
        new Span<byte>(_start, checked((int)_file.Length)).Clear();
        Array.Clear(_subjects);
        *(uint*)_start = Mark;
    }

    /// <summary>Says that the process is asked to end: what goes on now is not to blame if it is cut short.</summary>
    public void SetStopping() => Volatile.Write(ref Unsafe.AsRef<int>(_start + sizeof(uint)), 1);

    /// <summary>Fills a slot, on its device's thread.</summary>
    /// <param name="slot">The device's place.</param>
    /// <param name="phase">What begins.</param>
    /// <param name="subject">At most <see cref="MaxSubject"/> bytes, always the same array for the same subject.</param>
    public void Enter(int slot, RunPhase phase, byte[] subject)
    {
        var place = Place(slot);
        // Mostly it is the model that was there before.
        if (_subjects[slot] != subject)
        {
            subject.CopyTo(new Span<byte>(place + (2 * sizeof(int)), MaxSubject));
            *(int*)(place + sizeof(int)) = subject.Length;
            _subjects[slot] = subject;
        }

        Volatile.Write(ref Unsafe.AsRef<int>(place), (int)phase);
    }

    public void Leave(int slot) => Volatile.Write(ref Unsafe.AsRef<int>(Place(slot)), (int)RunPhase.None);

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
        _file.Dispose();
    }

    private byte* Place(int slot) => _start + HeaderSize + (slot * SlotSize);

    private static List<(RunPhase, RunSubject)> Read(ReadOnlySpan<byte> content)
    {
        var left = new List<(RunPhase, RunSubject)>();
        if (content.Length < HeaderSize || MemoryMarshal.Read<uint>(content) != Mark || MemoryMarshal.Read<int>(content[sizeof(uint)..]) != 0)
            return left;
        for (var slots = content[HeaderSize..]; slots.Length >= SlotSize; slots = slots[SlotSize..])
        {
            var phase = (RunPhase)MemoryMarshal.Read<int>(slots);
            var length = MemoryMarshal.Read<int>(slots[sizeof(int)..]);
            if (phase is not (RunPhase.Load or RunPhase.FirstRun or RunPhase.LaterRun) || length is < 0 or > MaxSubject) continue;
            if (RunSubject.Parse(slots.Slice(2 * sizeof(int), length)) is { } subject) left.Add((phase, subject));
        }

        return left;
    }
}
